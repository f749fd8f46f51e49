/** Reads tar archives in memory: regular files and folders, by the names of their ustar headers (POSIX.1-1988) or older ones. */

import { DatasetError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";

const BLOCK_BYTES = 512;
/** Most members. CIFAR-10's archive has nine. */
const MAX_MEMBERS = 1_000;
/** Fields of a header: offset and length in bytes. */
const NAME = [0, 100] as const;
const SIZE = [124, 12] as const;
const CHECKSUM = [148, 8] as const;
const TYPE_AT = 156;
/** `ustar` and a zero in POSIX, `ustar` and blanks in GNU's form of it. */
const MAGIC = [257, 5] as const;
const PREFIX = [345, 155] as const;
const FOLDER = "5";
const FILES = ["0", "\0"];
/** POSIX.1-2001's records with longer names and finer times, of one member and of all that follow. They are passed over. */
const RECORDS = ["x", "g"];

/**
 * Contents of the regular files by their names; views of `bytes`. Nothing is written.
 *
 * @throws DatasetError ERR_DATASET_FORMAT for a damaged archive, for links and devices, and for a name that comes twice
 */
export function tarMembers(path: string, bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const members = new Map<string, Uint8Array>();
  let count = 0;
  for (let at = 0; at + BLOCK_BYTES <= bytes.length; ) {
    const header = bytes.subarray(at, at + BLOCK_BYTES);
    // A block of zeros ends the archive.
    if (header.every((byte) => byte === 0)) return members;
    if (++count > MAX_MEMBERS) throw fault(path, `at most ${MAX_MEMBERS} members`, "more");
    // Headers older than ustar have zeros there.
    if (!["ustar", ""].includes(text(header, MAGIC)))
      throw fault(path, `a ustar header at byte ${at}`, "none");
    if (octal(header, CHECKSUM) !== checksumOf(header)) {
      throw fault(path, `a header with its checksum at byte ${at}`, "another sum");
    }
    // GNU's form has times where POSIX has the prefix.
    const isPosix = header[MAGIC[0]] !== 0 && header[MAGIC[0] + MAGIC[1]] === 0;
    const prefix = isPosix ? text(header, PREFIX) : "";
    const name = `${prefix === "" ? "" : `${prefix}/`}${text(header, NAME)}`;
    const flag = String.fromCharCode(header[TYPE_AT]!);
    const type = FILES.includes(flag) && name.endsWith("/") ? FOLDER : flag;
    if (type !== FOLDER && !FILES.includes(type) && !RECORDS.includes(type)) {
      throw fault(path, "files and folders", `"${printable(name)}" of type "${printable(type)}"`);
    }
    const sizeBytes = type === FOLDER ? 0 : (octal(header, SIZE) ?? Number.NaN);
    const begin = at + BLOCK_BYTES;
    if (!(begin + sizeBytes <= bytes.length)) {
      throw fault(path, `the content of "${printable(name)}"`, "an end before it");
    }
    if (FILES.includes(type)) {
      if (members.has(name)) throw fault(path, "every name once", `"${printable(name)}" twice`);
      members.set(name, bytes.subarray(begin, begin + sizeBytes));
    }
    at = begin + Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
  throw fault(path, "a block of zeros at its end", "none");
}

/** Content of a member. @throws DatasetError ERR_DATASET_FORMAT if there is none of this name */
export function tarMember(path: string, members: ReadonlyMap<string, Uint8Array>, name: string): Uint8Array {
  const content = members.get(name);
  if (content === undefined) throw fault(path, `a member "${name}"`, "none");
  return content;
}

/** Sum of the header's bytes, with blanks for the field of the sum. */
function checksumOf(header: Uint8Array): number {
  const [at, length] = CHECKSUM;
  return header.reduce((sum, byte, n) => sum + (n >= at && n < at + length ? 0x20 : byte), 0);
}

function text(header: Uint8Array, [at, length]: readonly [number, number]): string {
  const field = Buffer.from(header.subarray(at, at + length)).toString("latin1");
  const end = field.indexOf("\0");
  return end < 0 ? field : field.slice(0, end);
}

/** Undefined for a field that is no octal number, such as GNU's numbers in base 256. */
function octal(header: Uint8Array, field: readonly [number, number]): number | undefined {
  const digits = text(header, field).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

function fault(path: string, expected: string, found: string): DatasetError {
  const next = "is it complete? delete it, and it is downloaded again";
  return new DatasetError("ERR_DATASET_FORMAT", { path, expected, found, next });
}
