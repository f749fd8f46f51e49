/** Writes a predictions file as its images are done: slab by slab, never more than a piece of it in memory. */
import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { PredictionsFile } from "#src/base/contracts/result.js";
import { RunError, reasonOf } from "#src/base/errors.js";
import { releaseTemporary, temporaryBeside } from "#src/files/write-file.js";
import { type PredictedImages, type PredictionsTarget, pieces } from "./pieces.js";

/** Each method throws RunError ERR_OUTPUT_WRITE, and has then left nothing behind but what stood there before. */
export interface PredictionsWriter {
  add(images: PredictedImages): Promise<void>;
  /** Gives the file its name, with `.partial` behind it where the run did not reach its end; null where nothing was added. */
  finish(complete: boolean): Promise<PredictionsFile | null>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

/** @throws RunError ERR_OUTPUT_WRITE */
export async function openPredictions(target: PredictionsTarget): Promise<PredictionsWriter> {
  const { path, format } = target;
  const temporary = temporaryBeside(path);
  const hash = createHash("sha256");
  const file = await open(temporary, "wx").catch((error: unknown) => {
    releaseTemporary(temporary);
    throw writeFault(path, error);
  });
  let bytes = 0;

  async function discard(): Promise<void> {
    await file.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    releaseTemporary(temporary);
  }

  /** What could not be written is given up at once, and said by its own name. */
  async function attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      await discard();
      throw writeFault(path, error);
    }
  }

  return {
    add: (images) =>
      attempt(async () => {
        for (const piece of pieces(target, images, bytes === 0)) {
          const encoded = Buffer.from(piece);
          await writeAll(file, encoded, bytes);
          hash.update(encoded);
          bytes += encoded.length;
        }
      }),
    finish: (complete) =>
      attempt(async () => {
        if (bytes === 0) {
          await discard();
          return null;
        }
        const finalPath = resolve(complete ? path : `${path}.partial`);
        await file.sync();
        await file.close();
        await rename(temporary, finalPath);
        releaseTemporary(temporary);
        return { path: finalPath, sha256: hash.digest("hex"), format };
      }),
    discard,
  };
}

export function writeFault(path: string, error: unknown): RunError {
  return new RunError("ERR_OUTPUT_WRITE", { path, reason: reasonOf(error) }, { cause: error });
}

/** From the byte `at`; a single write may be cut short. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}
