/** The directory of a ZIP archive in memory, read strictly: what two readers could read in two ways is refused. */
import { FileError } from "../errors.js";
import { printable } from "../printable.js";
import { ALL_ONES_32, type Archive, structure, unsupported } from "./zip-archive.js";
import { type Located, readEntry, type ZipEntry } from "./zip-entry.js";

// APPNOTE.TXT 6.3.10, section 4.3.16: the end record.
const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 0xffff;
const ALL_ONES_16 = 0xffff;

/** A network of a thousand layers has two thousand. */
const MAX_ENTRIES = 2_000;

/**
 * The entries of an archive, in the order of its directory. Nothing is unpacked; names, sizes and places are checked,
 * also against each other. `limitBytes` is what all contents together may claim.
 *
 * @throws FileError ERR_ZIP_STRUCTURE, ERR_ZIP_UNSUPPORTED, ERR_ZIP_NAME, ERR_ZIP_DUPLICATE, ERR_ZIP_OVERLAP,
 *   ERR_ZIP_LIMIT.
 */
export function readZipDirectory(path: string, file: Uint8Array, limitBytes: number): ZipEntry[] {
  const archive: Archive = { path, file, view: new DataView(file.buffer, file.byteOffset, file.byteLength) };
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

/** By its end record, which ends with the file. */
function findDirectory({ path, file, view }: Archive): Directory {
  const at = findEnd(file, view);
  if (at === undefined) throw structure(path, "a directory at its end", "none");
  const [disk, firstDisk] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)];
  const [here, entries] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  const [bytes, begin] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
  // Archives below 4 GiB and 65,535 entries need no ZIP64, and this one is read whole.
  if (entries === ALL_ONES_16 || bytes === ALL_ONES_32 || begin === ALL_ONES_32) {
    throw unsupported(path, "a ZIP64 directory");
  }
  if (disk !== 0 || firstDisk !== 0 || here !== entries) throw unsupported(path, "one part of several");
  if (begin + bytes !== at) {
    throw structure(path, `a directory of bytes ${begin} to ${at}`, `one that says it has ${bytes}`);
  }
  checkLimit(path, "entries", MAX_ENTRIES, entries);
  return { entries, begin, end: at };
}

/** Its comment reaches to the end of the file, or what looks like it is none. */
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
