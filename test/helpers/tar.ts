/** Tar archives with ustar headers, right or changed. */

export interface TarMember {
  readonly name: string;
  readonly content?: Uint8Array;
  /** Type flag: "0" is a file, "5" a folder, "2" a symbolic link. */
  readonly type?: string;
  /** Replaces the checksum. */
  readonly checksum?: string;
  /** Replaces the size. */
  readonly size?: string;
  readonly magic?: string;
}

const END = Buffer.alloc(1024);

/** `end` false leaves out the blocks of zeros behind the last member. */
export function tarOf(members: readonly TarMember[], end = true): Buffer {
  return Buffer.concat([...members.flatMap(blocksOf), ...(end ? [END] : [])]);
}

function blocksOf(member: TarMember): Buffer[] {
  const { name, content = new Uint8Array(), type = "0", magic = "ustar\x0000" } = member;
  const header = Buffer.alloc(512);
  header.write(name, 0, "latin1");
  header.write("0000644\0", 100, "latin1");
  header.write(member.size ?? `${content.length.toString(8).padStart(11, "0")}\0`, 124, "latin1");
  header.fill(" ", 148, 156);
  header.write(type, 156, "latin1");
  header.write(magic, 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(member.checksum ?? `${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return [header, Buffer.from(content), Buffer.alloc((512 - (content.length % 512)) % 512)];
}
