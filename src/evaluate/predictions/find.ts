/** Where the predictions of a result are now. */
import { basename, dirname, join } from "node:path";
import { FileError } from "#src/base/errors.js";
import { pathKind } from "#src/files/path-kind.js";

/**
 * Where the result says, or beside the result itself, should both have moved; the hash tells whether it is the one.
 *
 * @throws FileError ERR_FILE_READ
 */
export async function findPredictions(path: string, resultPath: string): Promise<string> {
  if ((await pathKind(path)) === "file") return path;
  const beside = join(dirname(resultPath), basename(path));
  if ((await pathKind(beside)) === "file") return beside;
  throw new FileError("ERR_FILE_READ", { path, reason: "no such file, nor beside the result" });
}
