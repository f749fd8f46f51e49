/** Reads a .npz file in memory: the headers of its arrays first, then their elements. */
import { FileError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { MAX_NPY_HEADER_BYTES, type NpyHeader, parseNpyHeader } from "./npy-header.js";
import { readZipDirectory, startOfEntry } from "./zip.js";
import type { ZipEntry } from "./zip-entry.js";

const ENDING = ".npy";

export interface NpzMember {
  readonly entry: ZipEntry;
  readonly header: NpyHeader;
  /** Path of the archive and name of the entry, for messages. */
  readonly path: string;
}

/**
 * Returns the members by name, without `.npy`. Only headers are unpacked; each is checked against the size that the
 * archive claims for it. `limitBytes` bounds what all contents together may claim. `refuse` throws for an entry whose name
 * is not an array's.
 *
 * @throws FileError ERR_ZIP_*, ERR_NPY_HEADER, ERR_NPY_DTYPE, ERR_NPY_LENGTH.
 */
export async function openNpz(
  path: string,
  bytes: Uint8Array,
  limitBytes: number,
  refuse: (name: string) => never,
): Promise<Map<string, NpzMember>> {
  const members = new Map<string, NpzMember>();
  for (const entry of readZipDirectory(path, bytes, limitBytes)) {
    if (!entry.name.endsWith(ENDING)) refuse(printable(entry.name));
    const inner = `${path}:${printable(entry.name)}`;
    const header = parseNpyHeader(inner, await startOfEntry(path, entry, MAX_NPY_HEADER_BYTES));
    if (header.totalBytes !== entry.unpackedBytes) {
      const facts = { expectedBytes: header.totalBytes, actualBytes: entry.unpackedBytes };
      throw new FileError("ERR_NPY_LENGTH", { path: inner, ...facts });
    }
    members.set(entry.name.slice(0, -ENDING.length), { entry, header, path: inner });
  }
  return members;
}
