/** The file of class names: UTF-8, one name a line, the first for label 0. */
import { DatasetError } from "#src/base/errors.js";
import { printable } from "#src/base/printable.js";
import { readWholeFile } from "#src/files/read-file.js";

const LIMIT_BYTES = 2 ** 20;

/**
 * Names of the classes in order. White space around a name is not part of it; blank lines at the end are ignored.
 *
 * @throws FileError ERR_FILE_READ (also beyond 1 MiB), ERR_FILE_EMPTY.
 * @throws DatasetError ERR_CLASSES_FILE when it is not UTF-8, or a name is empty, given twice or would upset a
 *   terminal.
 */
export async function readClassNames(path: string): Promise<readonly string[]> {
  const text = decodeUtf8(await readWholeFile(path, LIMIT_BYTES), path);
  const names = text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
  const lineOf = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    const line = index + 1;
    const twin = lineOf.get(name);
    if (name === "") throw fault(path, "a class name on every line", `none on line ${line}`);
    if (/\p{Cc}/u.test(name))
      throw fault(path, "names that can be printed", `a control character on line ${line}`);
    if (twin !== undefined)
      throw fault(path, "every name once", `"${printable(name)}" on lines ${twin} and ${line}`);
    lineOf.set(name, line);
  }
  return names;
}

/**
 * There is one name for each of the network's `outputs`.
 *
 * @throws DatasetError ERR_CLASSES_FILE.
 */
export function assertClassCount(names: readonly string[], outputs: number, path: string): void {
  if (names.length === outputs) return;
  throw fault(path, `${outputs} class names, one for each output of the network`, `${names.length}`);
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw fault(path, "class names in UTF-8", "other bytes", { cause: error });
  }
}

function fault(path: string, expected: string, found: string, options?: ErrorOptions): DatasetError {
  return new DatasetError("ERR_CLASSES_FILE", { path, expected, found }, options);
}
