/** Writes ZIP archives for tests, right ones and wrong ones, by APPNOTE.TXT and not by the code under test. */
import { crc32, deflateRawSync } from "node:zlib";

export interface TestEntry {
  readonly name: string;
  readonly content: Uint8Array;
  readonly deflated?: boolean;
  /** Instead of what is true, in both headers. */
  readonly lies?: Partial<EntryFields>;
  /** Instead of what the directory says, in the header before the content alone. */
  readonly local?: Partial<EntryFields> & { readonly name?: string };
  /** Instead of the content as the method packs it. */
  readonly packed?: Uint8Array;
  /** In the header before the content. */
  readonly extra?: Uint8Array;
}

export interface EntryFields {
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
  /** In the directory alone. */
  readonly offset: number;
  readonly disk: number;
}

export interface EndFields {
  readonly disk: number;
  readonly entriesHere: number;
  readonly entries: number;
  readonly directoryBytes: number;
  readonly directoryOffset: number;
  readonly comment: Uint8Array;
}

export function zipFile(entries: readonly TestEntry[], end: Partial<EndFields> = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const entry of entries) {
    const packed = entry.packed ?? (entry.deflated ? deflateRawSync(entry.content) : entry.content);
    const fields: EntryFields = {
      flags: 0,
      method: entry.deflated ? 8 : 0,
      crc: crc32(entry.content),
      packedBytes: packed.length,
      unpackedBytes: entry.content.length,
      offset: at,
      disk: 0,
      ...entry.lies,
    };
    const extra = entry.extra ?? new Uint8Array();
    const local = header(0x04034b50, { ...fields, ...entry.local }, entry.local?.name ?? entry.name, extra);
    parts.push(local, Buffer.from(packed));
    directory.push(header(0x02014b50, fields, entry.name, new Uint8Array()));
    at += local.length + packed.length;
  }
  return Buffer.concat([...parts, ...directory, endRecord(at, directory, end)]);
}

/** The two headers of an entry share the run of fields from the version needed to the extra field's length. */
function header(signature: number, fields: EntryFields, name: string, extra: Uint8Array): Buffer {
  const isCentral = signature === 0x02014b50;
  const nameBytes = Buffer.from(name, "latin1");
  const shared = Buffer.alloc(26);
  shared.writeUInt16LE(20, 0);
  shared.writeUInt16LE(fields.flags, 2);
  shared.writeUInt16LE(fields.method, 4);
  shared.writeUInt32LE(fields.crc, 10);
  shared.writeUInt32LE(fields.packedBytes, 14);
  shared.writeUInt32LE(fields.unpackedBytes, 18);
  shared.writeUInt16LE(nameBytes.length, 22);
  shared.writeUInt16LE(extra.length, 24);
  const start = Buffer.alloc(isCentral ? 6 : 4);
  start.writeUInt32LE(signature, 0);
  const rest = Buffer.alloc(isCentral ? 14 : 0);
  if (isCentral) {
    rest.writeUInt16LE(fields.disk, 2);
    rest.writeUInt32LE(fields.offset, 10);
  }
  return Buffer.concat([start, shared, rest, nameBytes, extra]);
}

function endRecord(offset: number, directory: readonly Buffer[], end: Partial<EndFields>): Buffer {
  const comment = end.comment ?? new Uint8Array();
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(end.disk ?? 0, 4);
  record.writeUInt16LE(end.entriesHere ?? end.entries ?? directory.length, 8);
  record.writeUInt16LE(end.entries ?? directory.length, 10);
  record.writeUInt32LE(end.directoryBytes ?? Buffer.concat(directory).length, 12);
  record.writeUInt32LE(end.directoryOffset ?? offset, 16);
  record.writeUInt16LE(comment.length, 20);
  return Buffer.concat([record, comment]);
}

/** The extra field that NumPy writes: sizes as two u64. */
export function zip64Extra(unpackedBytes: number, packedBytes: number): Buffer {
  const extra = Buffer.alloc(20);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(16, 2);
  extra.writeBigUInt64LE(BigInt(unpackedBytes), 4);
  extra.writeBigUInt64LE(BigInt(packedBytes), 12);
  return extra;
}
