/** What stands at a path. */
import { stat } from "node:fs/promises";
import { FileError, reasonOf } from "#src/base/errors.js";

const ABSENT = new Set(["ENOENT", "ENOTDIR"]);

/**
 * `folder`, `file` (anything else that exists), or undefined where there is nothing.
 *
 * @throws FileError ERR_FILE_READ when the system does not say.
 */
export async function pathKind(path: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw new FileError("ERR_FILE_READ", { path, reason: reasonOf(error) }, { cause: error });
  }
}
