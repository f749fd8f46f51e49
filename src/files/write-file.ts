/** Writes files whole or not at all: to a temporary name beside the target, then renamed. */
import { access, constants, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { RunError, reasonOf } from "../errors.js";

/** Throws RunError ERR_OUTPUT_WRITE; a file that stood there before is then as it was. */
export async function writeFileWhole(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new RunError("ERR_OUTPUT_WRITE", { path, reason: reasonOf(error) }, { cause: error });
  }
}

/** A name that nobody else has, in the same folder, from which a file can be renamed to `path`. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
}

/** Refuses, before any work is done, a path that surely cannot be written. */
export async function assertWritable(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK);
    const target = await stat(path).catch(() => undefined);
    if (target?.isDirectory()) throw new Error("it is a folder");
  } catch (error) {
    throw new RunError("ERR_OUTPUT_WRITE", { path, reason: reasonOf(error) }, { cause: error });
  }
}
