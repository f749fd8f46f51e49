/** Reads and writes ZIP archives in memory. An archive that two readers could understand in two ways is rejected. */

import { crc32 } from "node:zlib";
import { zipSync } from "fflate";
import { grouped } from "#src/base/errors/define.js";
import { FileError, reasonOf } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { slices } from "#src/files/hash.js";
import { type Inflated, inflateAtMost, inflateStart, isTooLong } from "#src/files/inflate.js";
import {
  ALL_ONES_32,
  type Archive,
  type Located,
  readEntry,
  structure,
  unsupported,
  type ZipEntry,
} from "./zip-entry.js";

// End record: APPNOTE.TXT 6.3.10, section 4.3.16.
const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ALL_ONES_16 = 0xffff;
const ZIP64_END = 0x06064b50;
const ZIP64_END_BYTES = 56;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_LOCATOR_BYTES = 20;

/** Most entries. A network of 1,000 layers has 2,000. */
const MAX_ENTRIES = 2_000;

/**
 * Returns the entries of an archive, in the order of its directory. Nothing is unpacked. Names, sizes and places are checked,
 * also against each other. `limitBytes` bounds what all contents together may claim.
 *
 * @param hasFolders whether entries for folders are accepted, which archivers write and no format of data has
 * @throws FileError ERR_ZIP_STRUCTURE, ERR_ZIP_UNSUPPORTED, ERR_ZIP_NAME, ERR_ZIP_DUPLICATE, ERR_ZIP_OVERLAP,
 *   ERR_ZIP_LIMIT.
 */
export function readZipDirectory(
  path: string,
  file: Uint8Array,
  limitBytes: number,
  hasFolders = false,
): ZipEntry[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const archive: Archive = { path, file, view, hasFolders };
  const { entries: count, begin, end } = findDirectory(archive);
  const entries: Located[] = [];
  const names = new Set<string>();
  let at = begin;
  let claimedBytes = 0;
  while (entries.length < count) {
    const [entry, next] = readEntry(archive, at, begin, end);
    if (names.has(entry.name)) {
      throw new FileError("ERR_ZIP_DUPLICATE", { path, name: printable(entry.name) });
    }
    claimedBytes += entry.unpackedBytes;
    checkLimit(path, "bytes unpacked", limitBytes, claimedBytes);
    names.add(entry.name);
    entries.push(entry);
    at = next;
  }
  if (at !== end) throw structure(path, `the end of the directory at byte ${end}`, `it at byte ${at}`);
  checkOverlaps(path, entries);
  return entries;
}

function checkLimit(path: string, what: string, limit: number, found: number): void {
  if (found > limit) throw new FileError("ERR_ZIP_LIMIT", { path, what, limit, found });
}

interface Directory {
  readonly entries: number;
  readonly begin: number;
  readonly end: number;
}

/** Finds the directory by the end record, which ends with the file. */
function findDirectory({ path, file, view }: Archive): Directory {
  const at = findEnd(file, view);
  if (at === undefined) throw structure(path, "a directory at its end", "none");
  const [disk, firstDisk] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)];
  const [here, entries] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  const [bytes, begin] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
  // Archives below 4 GiB and 65,535 entries need no ZIP64.
  if (entries === ALL_ONES_16 || bytes === ALL_ONES_32 || begin === ALL_ONES_32) {
    throw unsupported(path, "a ZIP64 directory");
  }
  if (disk !== 0 || firstDisk !== 0 || here !== entries) throw unsupported(path, "one part of several");
  const end = begin + bytes;
  if (end !== at && !isZip64End(view, end, at, { entries, bytes, begin })) {
    throw structure(path, `a directory of bytes ${begin} to ${at}`, `one that states ${bytes} bytes`);
  }
  checkLimit(path, "entries", MAX_ENTRIES, entries);
  return { entries, begin, end };
}

/**
 * True if a ZIP64 end record and its locator fill the bytes from `from` to `to`, and agree with the end record.
 * PyTorch writes them into every file (miniz_ext, `mz_zip_writer_finalize_archive`); APPNOTE 4.3.14 and 4.3.15.
 */
function isZip64End(
  view: DataView,
  from: number,
  to: number,
  said: { readonly entries: number; readonly bytes: number; readonly begin: number },
): boolean {
  if (to - from !== ZIP64_END_BYTES + ZIP64_LOCATOR_BYTES) return false;
  const locator = from + ZIP64_END_BYTES;
  if (view.getUint32(from, true) !== ZIP64_END || view.getUint32(locator, true) !== ZIP64_LOCATOR)
    return false;
  const u64 = (at: number) => Number(view.getBigUint64(at, true));
  return (
    u64(from + 4) === ZIP64_END_BYTES - 12 &&
    u64(from + 24) === said.entries &&
    u64(from + 32) === said.entries &&
    u64(from + 40) === said.bytes &&
    u64(from + 48) === said.begin &&
    u64(locator + 8) === from
  );
}

/** Finds the end record: its comment must reach to the end of the file. */
function findEnd(file: Uint8Array, view: DataView): number | undefined {
  const last = file.length - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MAX_COMMENT_BYTES); at -= 1) {
    if (view.getUint32(at, true) === END_SIGNATURE && view.getUint16(at + 20, true) === last - at) return at;
  }
  return undefined;
}

function checkOverlaps(path: string, entries: readonly Located[]): void {
  const ordered = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  ordered.forEach((entry, index) => {
    const before = ordered[index - 1];
    if (before !== undefined && entry.begin < before.end) {
      const [name, other] = [printable(entry.name), printable(before.name)];
      throw new FileError("ERR_ZIP_OVERLAP", { path, name, other });
    }
  });
}

/**
 * Returns the first `countBytes` bytes of an entry, or all if there are fewer. They are not verified yet.
 *
 * @throws FileError ERR_ZIP_CORRUPT if they cannot be unpacked
 */
export async function startOfEntry(path: string, entry: ZipEntry, countBytes: number): Promise<Uint8Array> {
  if (entry.method === "stored") return entry.packed.subarray(0, countBytes);
  try {
    return await inflateStart(entry.packed, countBytes);
  } catch (cause) {
    throw corruptEntry(path, entry, cause);
  }
}

/**
 * Returns the whole content of an entry, verified. The content of a stored entry is a view of the archive.
 *
 * @throws FileError ERR_ZIP_SIZE if it is longer or shorter than claimed; ERR_ZIP_CORRUPT
 */
export async function wholeEntry(path: string, entry: ZipEntry): Promise<Uint8Array> {
  const content = entry.method === "stored" ? entry.packed : await inflated(path, entry);
  let crc = 0;
  for await (const slice of slices(content)) crc = crc32(slice, crc);
  if (crc !== entry.crc32) throw corruptEntry(path, entry, "it fails its CRC-32");
  return content;
}

async function inflated(path: string, entry: ZipEntry): Promise<Uint8Array> {
  const { packed, unpackedBytes } = entry;
  const { content, deflateBytes } = await inflateClaimed(path, entry);
  if (content.length !== unpackedBytes) throw wrongEntrySize(path, entry, grouped(content.length));
  assertWholeStream(path, packed.length - deflateBytes, entry);
  return content;
}

function assertWholeStream(path: string, bytesBehind: number, entry: ZipEntry): void {
  if (bytesBehind !== 0) throw corruptEntry(path, entry, `${bytesBehind} bytes after its deflate stream`);
}

/**
 * Checks a deflated entry that was inflated piece by piece against what the directory claims.
 *
 * @throws FileError ERR_ZIP_SIZE, ERR_ZIP_CORRUPT
 */
export function verifyEntry(
  path: string,
  entry: ZipEntry,
  found: { readonly crc: number; readonly contentBytes: number; readonly deflateBytes: number },
): void {
  const { contentBytes, deflateBytes, crc } = found;
  if (contentBytes !== entry.unpackedBytes) throw wrongEntrySize(path, entry, grouped(contentBytes));
  assertWholeStream(path, entry.packed.length - deflateBytes, entry);
  if (crc !== entry.crc32) throw corruptEntry(path, entry, "it fails its CRC-32");
}

async function inflateClaimed(path: string, entry: ZipEntry): Promise<Inflated> {
  try {
    return await inflateAtMost(entry.packed, Math.max(1, entry.unpackedBytes));
  } catch (cause) {
    throw isTooLong(cause) ? wrongEntrySize(path, entry, "more", cause) : corruptEntry(path, entry, cause);
  }
}

export function wrongEntrySize(path: string, entry: ZipEntry, found: string, cause?: unknown): FileError {
  const facts = { path, name: printable(entry.name), expectedBytes: entry.unpackedBytes, found };
  return new FileError("ERR_ZIP_SIZE", facts, { cause });
}

/** @param cause zlib's error, or the reason in words */
export function corruptEntry(path: string, entry: ZipEntry, cause: unknown): FileError {
  return new FileError(
    "ERR_ZIP_CORRUPT",
    { path, name: printable(entry.name), reason: reasonOf(cause) },
    { cause },
  );
}

/** First day that ZIP can represent. Local time, as in ZIP, so that the bytes are the same everywhere. */
const TIMESTAMP = new Date(1980, 0, 1);
const DEFLATE_LEVEL = 6;

/**
 * Writes a ZIP archive with the entries in the order of the map, stored or deflated. The same contents give the same bytes:
 * fflate has its own deflate, so the version of Node.js does not matter.
 */
export function encodeZip(entries: ReadonlyMap<string, Uint8Array>, deflated: boolean): Uint8Array {
  return zipSync(Object.fromEntries(entries), { level: deflated ? DEFLATE_LEVEL : 0, mtime: TIMESTAMP });
}
