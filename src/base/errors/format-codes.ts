/** Codes of faults in the container formats that networks and data sets share: .npy and ZIP. Exit status 3. */
import { grouped, row } from "./define.js";

export const formatCodes = {
  ERR_NPY_HEADER: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: .npy header: expected ${f.expected}, found ${f.found}; is this a file of NumPy's?`,
  ),
  ERR_NPY_DTYPE: row(
    3,
    (f: { path: string; found: string }) =>
      `${f.path}: expected an array of plain numbers, found ${f.found}; ${adviceFor(f.found)}`,
  ),
  ERR_NPY_LENGTH: row(
    3,
    (f: { path: string; expectedBytes: number; actualBytes: number }) =>
      `${f.path}: expected ${grouped(f.expectedBytes)} bytes by its header, found ${grouped(f.actualBytes)}; is the file complete?`,
  ),
  ERR_ZIP_STRUCTURE: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: ZIP archive: expected ${f.expected}, found ${f.found}; is the file complete?`,
  ),
  ERR_ZIP_UNSUPPORTED: row(
    3,
    (f: { path: string; found: string }) =>
      `${f.path}: expected a plain ZIP archive, stored or deflated, found ${f.found}; write it again with numpy.savez`,
  ),
  ERR_ZIP_NAME: row(
    3,
    (f: { path: string; name: string; reason: string }) =>
      `${f.path}: expected names of arrays, found "${f.name}", ${f.reason}; refused, nothing was unpacked`,
  ),
  ERR_ZIP_DUPLICATE: row(
    3,
    (f: { path: string; name: string }) =>
      `${f.path}: expected each name once, found "${f.name}" twice; which of the two is meant?`,
  ),
  ERR_ZIP_OVERLAP: row(
    3,
    (f: { path: string; name: string; other: string }) =>
      `${f.path}: expected entries beside each other, found "${f.name}" within "${f.other}"; this archive was made to deceive`,
  ),
  ERR_ZIP_LIMIT: row(
    3,
    (f: { path: string; what: string; limit: number; found: number }) =>
      `${f.path}: expected at most ${grouped(f.limit)} ${f.what}, found ${grouped(f.found)}; refused, nothing was unpacked`,
  ),
  /** `found` is in words where unpacking stopped at the first byte too many. */
  ERR_ZIP_SIZE: row(
    3,
    (f: { path: string; name: string; expectedBytes: number; found: string }) =>
      `${f.path}: ${f.name}: expected ${grouped(f.expectedBytes)} bytes unpacked, as the directory says, found ${f.found}`,
  ),
  ERR_ZIP_CORRUPT: row(
    3,
    (f: { path: string; name: string; reason: string }) =>
      `${f.path}: ${f.name}: the content is damaged (${f.reason}); is the download complete?`,
  ),
} as const;

/** Of records the fields, of all else numbers. */
function adviceFor(found: string): string {
  if (found.includes("records")) return "save each of its fields as an array of its own";
  return 'convert it with .astype("float32") and save it again';
}
