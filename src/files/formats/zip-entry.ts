/** Entry of a ZIP archive: its record in the directory and the header before its content, which must agree. */

import { FileError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { MAX_EXPANSION } from "#src/files/inflate.js";

// Numbers and names of fields: APPNOTE.TXT 6.3.10, sections 4.3.7 and 4.3.12.
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_BYTES = 30;
const CENTRAL_SIGNATURE = 0x02014b50;
const CENTRAL_BYTES = 46;
const ZIP64_EXTRA = 0x0001;

const FLAG_ENCRYPTED = 1 << 0;
/** Sizes and checksum follow the content instead of preceding it. */
const FLAG_DESCRIPTOR = 1 << 3;
const FLAG_STRONG_ENCRYPTION = 1 << 6;
const FLAG_MASKED_HEADERS = 1 << 13;

const METHODS = { stored: 0, deflated: 8 } as const;
type Method = keyof typeof METHODS;

export interface ZipEntry {
  readonly name: string;
  readonly method: Method;
  readonly crc32: number;
  /** Size that the archive claims. It is checked when the content is unpacked. */
  readonly unpackedBytes: number;
  /** The content as the archive holds it. */
  readonly packed: Uint8Array;
}

/** Entry with its place in the archive, in bytes. */
export interface Located extends ZipEntry {
  readonly begin: number;
  readonly end: number;
}

/**
 * Returns the entry whose directory record begins at `at`, and the offset of the next record. The directory lies from `begin` to
 * `end`.
 *
 * @throws FileError ERR_ZIP_STRUCTURE, ERR_ZIP_UNSUPPORTED, ERR_ZIP_NAME.
 */
export function readEntry(archive: Archive, at: number, begin: number, end: number): [Located, number] {
  const { path, view, file } = archive;
  if (at + CENTRAL_BYTES > end || view.getUint32(at, true) !== CENTRAL_SIGNATURE) {
    throw structure(path, `an entry of the directory at byte ${at}`, "none");
  }
  const u16 = (offset: number) => view.getUint16(at + offset, true);
  const u32 = (offset: number) => view.getUint32(at + offset, true);
  const [nameBytes, extraBytes, commentBytes] = [u16(28), u16(30), u16(32)];
  const nameEnd = at + CENTRAL_BYTES + nameBytes;
  const next = nameEnd + extraBytes + commentBytes;
  if (next > end) throw structure(path, "entries within the directory", "one that reaches beyond it");

  const name = checkedName(path, file.subarray(at + CENTRAL_BYTES, nameEnd), archive.hasFolders);
  const header: Header = {
    name,
    flags: u16(8),
    method: checkedMethod(path, name, u16(8), u16(10)),
    crc32: u32(16),
    packedBytes: u32(20),
    unpackedBytes: u32(24),
  };
  if (u16(34) !== 0) throw unsupported(path, "one part of several");
  if ([header.packedBytes, header.unpackedBytes, u32(42)].includes(ALL_ONES_32)) {
    throw unsupported(path, `ZIP64 sizes of "${printable(name)}"`);
  }
  checkSizes(path, header);
  const dataBegin = checkedLocal(archive, u32(42), begin, header);
  const dataEnd = dataBegin + header.packedBytes;
  const packed = file.subarray(dataBegin, dataEnd);
  return [{ ...header, packed, begin: u32(42), end: dataEnd }, next];
}

interface Header {
  readonly name: string;
  readonly flags: number;
  readonly method: Method;
  readonly crc32: number;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
}

function checkedMethod(path: string, name: string, flags: number, method: number): Method {
  if (flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED_HEADERS)) {
    throw unsupported(path, `"${printable(name)}" encrypted`);
  }
  if (method === METHODS.stored) return "stored";
  if (method === METHODS.deflated) return "deflated";
  throw unsupported(path, `"${printable(name)}" packed by method ${method}`);
}

/** Rejects a size that deflate cannot reach, and a stored entry whose two sizes differ. */
function checkSizes(path: string, { name, method, packedBytes, unpackedBytes }: Header): void {
  const mostBytes = method === "stored" ? packedBytes : packedBytes * MAX_EXPANSION;
  const leastBytes = method === "stored" ? packedBytes : 0;
  if (unpackedBytes < leastBytes || unpackedBytes > mostBytes) {
    const expected = `at most ${mostBytes} bytes in the ${packedBytes} of "${printable(name)}", ${method}`;
    throw structure(path, expected, `a stated size of ${unpackedBytes}`);
  }
}

/** Returns the offset of the content, after a local header that agrees with the directory. */
function checkedLocal({ path, file, view }: Archive, at: number, directory: number, header: Header): number {
  const known = `"${printable(header.name)}"`;
  if (at + LOCAL_BYTES > directory || view.getUint32(at, true) !== LOCAL_SIGNATURE) {
    throw structure(path, `${known} at byte ${at}`, "no entry header");
  }
  const u16 = (offset: number) => view.getUint16(at + offset, true);
  const u32 = (offset: number) => view.getUint32(at + offset, true);
  const nameEnd = at + LOCAL_BYTES + u16(26);
  const dataBegin = nameEnd + u16(28);
  if (dataBegin + header.packedBytes > directory) {
    throw structure(path, `${header.packedBytes} bytes of ${known}`, "fewer before the directory");
  }
  const sameName = Buffer.from(file.subarray(at + LOCAL_BYTES, nameEnd)).equals(Buffer.from(header.name));
  if (!sameName || u16(6) !== header.flags || u16(8) !== METHODS[header.method]) {
    throw structure(path, `${known} as the directory has it`, "another name, method or flags at its content");
  }
  const claims = { crc32: u32(14), packedBytes: u32(18), unpackedBytes: u32(22) };
  const said = wideClaims(view, claims, nameEnd, dataBegin);
  const agrees = (["crc32", "packedBytes", "unpackedBytes"] as const).every(
    (key) => said[key] === header[key] || (header.flags & FLAG_DESCRIPTOR && said[key] === 0),
  );
  if (!agrees) throw structure(path, `${known} as the directory has it`, "other sizes at its content");
  return dataBegin;
}

type Claims = Pick<Header, "crc32" | "packedBytes" | "unpackedBytes">;

/** NumPy always writes local sizes as ZIP64: all ones, and the sizes as two u64 in an extra field (APPNOTE 4.5.3). */
function wideClaims(view: DataView, claims: Claims, begin: number, end: number): Claims {
  if (claims.packedBytes !== ALL_ONES_32 || claims.unpackedBytes !== ALL_ONES_32) return claims;
  for (let at = begin; at + 4 <= end; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) === ZIP64_EXTRA && at + 20 <= end) {
      const [unpacked, packed] = [view.getBigUint64(at + 4, true), view.getBigUint64(at + 12, true)];
      return { crc32: claims.crc32, packedBytes: Number(packed), unpackedBytes: Number(unpacked) };
    }
  }
  return claims;
}

/** Value of a 32-bit size or offset that stands in a ZIP64 record instead (APPNOTE.TXT 6.3.10, section 4.4.1.4). */
export const ALL_ONES_32 = 0xffffffff;

export interface Archive {
  readonly path: string;
  readonly file: Uint8Array;
  readonly view: DataView;
  /** Whether entries for folders are accepted. */
  readonly hasFolders?: boolean | undefined;
}

export function structure(path: string, expected: string, found: string): FileError {
  return new FileError("ERR_ZIP_STRUCTURE", { path, expected, found });
}

export function unsupported(path: string, found: string): FileError {
  return new FileError("ERR_ZIP_UNSUPPORTED", { path, found });
}

/**
 * Rejects a name that leaves the folder in which an archive is unpacked. Batchwise unpacks only to memory, but no honest
 * writer makes such names.
 *
 * @throws FileError ERR_ZIP_NAME
 */
export function checkedName(path: string, bytes: Uint8Array, mayBeFolder = false): string {
  let name: string;
  try {
    name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const shown = printable(Buffer.from(bytes).toString("latin1"));
    throw new FileError("ERR_ZIP_NAME", { path, name: shown, reason: "which is not UTF-8" });
  }
  const checked = mayBeFolder ? name.replace(/(?<=[^/])\/$/, "") : name;
  const reason = NAME_FAULTS.find(([pattern]) => pattern.test(checked))?.[1];
  if (reason !== undefined) throw new FileError("ERR_ZIP_NAME", { path, name: printable(name), reason });
  return name;
}

const NAME_FAULTS: readonly (readonly [RegExp, string])[] = [
  [/^$/, "which is empty"],
  [/\\/, "which has a backslash"],
  [/^\/|^[A-Za-z]:/, "which is an absolute path"],
  [/(^|\/)\.\.(\/|$)/, "which leads out of its folder"],
  [/\p{Cc}/u, "which has control characters"],
  [/\/$/, "which is a folder"],
];
