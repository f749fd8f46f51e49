/** A ZIP archive in memory, and the two ways in which it can be no good. */
import { FileError } from "#src/base/errors.js";

/** Sizes and offsets of 32 bits that are elsewhere, in a ZIP64 record (APPNOTE.TXT 6.3.10, section 4.4.1.4). */
export const ALL_ONES_32 = 0xffffffff;

export interface Archive {
  readonly path: string;
  readonly file: Uint8Array;
  readonly view: DataView;
}

export function structure(path: string, expected: string, found: string): FileError {
  return new FileError("ERR_ZIP_STRUCTURE", { path, expected, found });
}

export function unsupported(path: string, found: string): FileError {
  return new FileError("ERR_ZIP_UNSUPPORTED", { path, found });
}
