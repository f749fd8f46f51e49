/** Codes of faults in reading a file, whatever it should hold. Exit status 3. */
import { row } from "./define.js";

export const fileCodes = {
  ERR_FILE_READ: row(3, (f: { path: string; reason: string }) => `${f.path}: cannot be read: ${f.reason}`),
  ERR_FILE_EMPTY: row(
    3,
    (f: { path: string }) => `${f.path}: the file is empty (0 bytes); is the download complete?`,
  ),
} as const;
