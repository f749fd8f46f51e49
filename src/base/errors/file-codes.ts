/** Codes of faults in files of any format, in .npy and ZIP, and in downloads. */

import { grouped, row } from "./define.js";

export const fileCodes = {
  ERR_FILE_READ: row(
    3,
    (f: { path: string; reason: string }) => `${f.path}: cannot be read: ${f.reason}; is the path right?`,
  ),
  /** For every file that is read: data, labels, weights. */
  ERR_DATASET_CHANGED: row(
    3,
    (f: { path: string; found: string }) =>
      `${f.path}: expected the file as it was when it was opened, found ${f.found} at this path; run again when no program writes the file`,
  ),
  ERR_FILE_EMPTY: row(
    3,
    (f: { path: string }) =>
      `${f.path}: expected content, found an empty file (0 bytes); is the download complete?`,
  ),
  ERR_JSON_SYNTAX: row(
    3,
    (f: { path: string; reason: string }) =>
      `${f.path}: expected JSON, found a syntax error: ${f.reason}; is the file complete?`,
  ),
  /** `at` is empty for the whole document. */
  ERR_JSON_SHAPE: row(
    3,
    (f: { path: string; what: string; at: string; problem: string }) =>
      `${f.path}: expected ${f.what}, found another document: ${f.at ? `${f.at}: ` : ""}${f.problem}; is this the right file?`,
  ),
  ERR_RESULT_VERSION: row(
    3,
    (f: { path: string; expected: number; found: number }) =>
      `${f.path}: expected a result of schemaVersion ${f.expected}, found ${f.found}; read it with the version of Batchwise that wrote it`,
  ),
  ERR_PREDICTIONS_HASH: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: expected the predictions file of the result, SHA-256 ${f.expected.slice(0, 12)}…, found ${f.found.slice(0, 12)}…; was it overwritten since?`,
  ),
  ERR_PREDICTIONS_LINE: row(
    3,
    (f: { path: string; line: number; problem: string }) =>
      `${f.path}: line ${f.line} is not a prediction: ${f.problem}; is the file complete?`,
  ),
} as const;

/** Codes of faults in .npy, ZIP and HDF5, the formats that networks and data sets share. Exit status 3. */
export const formatCodes = {
  ERR_NPY_HEADER: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: .npy header: expected ${f.expected}, found ${f.found}; was it written by NumPy?`,
  ),
  ERR_NPY_DTYPE: row(
    3,
    (f: { path: string; found: string }) =>
      `${f.path}: expected an array of plain numbers, found ${f.found}; ${adviceFor(f.found)}`,
  ),
  ERR_NPY_LENGTH: row(
    3,
    (f: { path: string; expectedBytes: number; actualBytes: number }) =>
      `${f.path}: expected ${grouped(f.expectedBytes)} bytes as its header states, found ${grouped(f.actualBytes)}; is the file complete?`,
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
      `${f.path}: expected names of arrays, found "${f.name}", ${f.reason}; nothing was unpacked`,
  ),
  ERR_ZIP_DUPLICATE: row(
    3,
    (f: { path: string; name: string }) =>
      `${f.path}: expected each name once, found "${f.name}" twice; remove one of them`,
  ),
  ERR_ZIP_OVERLAP: row(
    3,
    (f: { path: string; name: string; other: string }) =>
      `${f.path}: expected separate entries, found "${f.name}" overlapping "${f.other}"; the archive is damaged or malicious`,
  ),
  ERR_ZIP_LIMIT: row(
    3,
    (f: { path: string; what: string; limit: number; found: number }) =>
      `${f.path}: expected at most ${grouped(f.limit)} ${f.what}, found ${grouped(f.found)}; nothing was unpacked`,
  ),
  /** `found` is in words if unpacking stopped at the first extra byte. */
  ERR_ZIP_SIZE: row(
    3,
    (f: { path: string; name: string; expectedBytes: number; found: string }) =>
      `${f.path}: ${f.name}: expected ${grouped(f.expectedBytes)} unpacked bytes as the archive's directory states, found ${f.found}; is the file complete?`,
  ),
  ERR_ZIP_CORRUPT: row(
    3,
    (f: { path: string; name: string; reason: string }) =>
      `${f.path}: ${f.name}: the content is damaged (${f.reason}); is the download complete?`,
  ),
  ERR_HDF5_MALFORMED: row(
    3,
    (f: { path: string; offset: number; expected: string; found: string }) =>
      `${f.path}: HDF5: byte ${grouped(f.offset)}: expected ${f.expected}, found ${f.found}; is the file complete?`,
  ),
  ERR_HDF5_UNSUPPORTED: row(
    3,
    (f: { path: string; found: string }) =>
      `${f.path}: HDF5: expected groups and arrays as Keras writes them, found ${f.found}; save the model again: python3 -c "import keras; keras.models.load_model('model.h5').save('model.keras')"`,
  ),
  ERR_HDF5_LIMIT: row(
    3,
    (f: { path: string; what: string; limit: number }) =>
      `${f.path}: HDF5: expected at most ${grouped(f.limit)} ${f.what}, found more; this is not a file of weights`,
  ),
} as const;

/** Next step: records need one array per field, all other types need a conversion to numbers. */
function adviceFor(found: string): string {
  if (found.includes("records")) return "save each field as a separate array";
  return 'convert it with .astype("float32") and save it again';
}

/** A mirror, without credentials, and the reason of its failure. */
export interface MirrorFailure {
  readonly mirror: string;
  readonly reason: string;
}

/** Codes of downloads: network (5), cache folder (6), interruption (130, 143). No fact may hold a credential. */
export const transferCodes = {
  ERR_TRANSFER_FAILED: row(
    5,
    (f: { file: string; failures: readonly MirrorFailure[] }) =>
      `${f.file}: every mirror failed: ${f.failures.map(({ mirror, reason }) => `${mirror}: ${reason}`).join("; ")}; check the network and the proxy, or set your own mirror with --mirror or BATCHWISE_MIRROR`,
  ),
  ERR_TRANSFER_OFFLINE: row(
    5,
    (f: { name: string; folder: string; missing: readonly string[] }) =>
      `${f.name}: expected ${f.missing.join(" and ")} in ${f.folder}, found ${f.missing.length > 1 ? "not all of them" : "no complete file"}, and --offline forbids downloads; run "batchwise fetch ${f.name}" with a network connection`,
  ),
  ERR_PROXY_URL: row(
    5,
    (f: { variable: string }) =>
      `${f.variable}: expected a URL such as http://proxy.example:3128, found another value (hidden, because it can contain a password); correct or unset the variable`,
  ),
  ERR_CACHE_WRITE: row(
    6,
    (f: { path: string; reason: string }) =>
      `${f.path}: the cache could not be written: ${f.reason}; choose another folder with BATCHWISE_CACHE_DIR`,
  ),
  ERR_TRANSFER_INTERRUPTED: row(130, (f: Stopped) => `${f.file}: interrupted ${soFar(f)}`),
  ERR_TRANSFER_TERMINATED: row(143, (f: Stopped) => `${f.file}: terminated ${soFar(f)}`),
} as const;

export interface Stopped {
  readonly file: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

function soFar({ doneBytes, totalBytes }: Stopped): string {
  return `after ${grouped(doneBytes)} of ${grouped(totalBytes)} bytes; run the command again to download the file`;
}
