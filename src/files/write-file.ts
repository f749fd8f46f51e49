/** Writes files whole or not at all: under a temporary name in the same folder, then renamed. */

import { rmSync } from "node:fs";
import { access, constants, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { RunError, reasonOf } from "#src/base/errors.js";

/** Temporary files that have not been renamed yet. */
const unfinished = new Set<string>();

/** Writes a file. @throws RunError ERR_OUTPUT_WRITE; an older file is then unchanged */
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
    // A fault of the cleaning up would hide the first one.
    await rm(temporary, { force: true }).catch(() => {});
    throw new RunError("ERR_OUTPUT_WRITE", { path, reason: reasonOf(error) }, { cause: error });
  } finally {
    releaseTemporary(temporary);
  }
}

/**
 * Returns a unique name in the folder of `path`, from which a file can be renamed to `path`. The caller releases it. If the
 * process exits before that, for example at a second signal, the file is removed.
 */
export function temporaryBeside(path: string): string {
  const temporary = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
  if (unfinished.size === 0) process.once("exit", removeUnfinished);
  unfinished.add(temporary);
  return temporary;
}

/** Releases a temporary name after its file was renamed or removed. */
export function releaseTemporary(temporary: string): void {
  unfinished.delete(temporary);
  if (unfinished.size === 0) process.off("exit", removeUnfinished);
}

function removeUnfinished(): void {
  for (const temporary of unfinished) rmSync(temporary, { force: true });
}

/** Rejects a path that cannot be written, before any work is done. @throws RunError ERR_OUTPUT_WRITE */
export async function assertWritable(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK);
    const target = await stat(path).catch(() => undefined);
    if (target?.isDirectory()) throw new Error("it is a folder");
  } catch (error) {
    throw new RunError("ERR_OUTPUT_WRITE", { path, reason: reasonOf(error) }, { cause: error });
  }
}
