/** Writes files whole or not at all: to a temporary name beside the target, then renamed. */

import { rmSync } from "node:fs";
import { access, constants, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { RunError, reasonOf } from "#src/base/errors.js";

/** Temporary files that have not got their name yet. */
const unfinished = new Set<string>();

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
    // What cannot be tidied up is not what went wrong.
    await rm(temporary, { force: true }).catch(() => {});
    throw new RunError("ERR_OUTPUT_WRITE", { path, reason: reasonOf(error) }, { cause: error });
  } finally {
    releaseTemporary(temporary);
  }
}

/**
 * A name that nobody else has, in the same folder, from which a file can be renamed to `path`. Whoever asks for one
 * releases it; a process that exits before, as a second signal makes it, takes the file with it.
 */
export function temporaryBeside(path: string): string {
  const temporary = join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`);
  if (unfinished.size === 0) process.once("exit", removeUnfinished);
  unfinished.add(temporary);
  return temporary;
}

/** It has been renamed or removed. */
export function releaseTemporary(temporary: string): void {
  unfinished.delete(temporary);
  if (unfinished.size === 0) process.off("exit", removeUnfinished);
}

function removeUnfinished(): void {
  for (const temporary of unfinished) rmSync(temporary, { force: true });
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
