/** Codes of faults in reading a file, whatever it should hold. Exit status 3. */
import { row } from "./define.js";

export const fileCodes = {
  ERR_FILE_READ: row(3, (f: { path: string; reason: string }) => `${f.path}: cannot be read: ${f.reason}`),
  ERR_FILE_EMPTY: row(
    3,
    (f: { path: string }) => `${f.path}: the file is empty (0 bytes); is the download complete?`,
  ),
  ERR_JSON_SYNTAX: row(
    3,
    (f: { path: string; reason: string }) => `${f.path}: expected JSON, found none: ${f.reason}`,
  ),
  /** `at` is empty where the whole document is meant. */
  ERR_JSON_SHAPE: row(
    3,
    (f: { path: string; what: string; at: string; problem: string }) =>
      `${f.path}: expected ${f.what}, found another document: ${f.at ? `${f.at}: ` : ""}${f.problem}`,
  ),
  ERR_RESULT_VERSION: row(
    3,
    (f: { path: string; expected: number; found: number }) =>
      `${f.path}: expected a result of schemaVersion ${f.expected}, found ${f.found}; read it with the Batchwise that wrote it`,
  ),
  ERR_PREDICTIONS_HASH: row(
    3,
    (f: { path: string; expected: string; found: string }) =>
      `${f.path}: expected the predictions that the result speaks of, SHA-256 ${f.expected.slice(0, 12)}…, found ${f.found.slice(0, 12)}…; was it written again since?`,
  ),
  ERR_PREDICTIONS_LINE: row(
    3,
    (f: { path: string; line: number; problem: string }) =>
      `${f.path}: line ${f.line} is no prediction: ${f.problem}; is the file complete?`,
  ),
} as const;
