/** Writes a predictions file as its images are done: slab by slab, never more than a piece of it in memory. */
import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { Prediction, PredictionsFormat } from "../contracts/predictions.js";
import type { PredictionsFile } from "../contracts/result.js";
import { RunError, reasonOf } from "../errors.js";
import { temporaryBeside } from "../files/write-file.js";
import { type LineWriter, lineWriter } from "./lines.js";
import { topClasses } from "./top-classes.js";

const PIECE_CHARACTERS = 2 ** 16;

export interface PredictionsTarget {
  readonly path: string;
  readonly format: PredictionsFormat;
  /** How many classes of each image are told; never more than there are. */
  readonly topK: number;
  /** False: labels are null. */
  readonly labelled: boolean;
}

/** Images in order, as a slab holds them once all of its batches are merged. */
export interface PredictedImages {
  readonly firstImage: number;
  readonly count: number;
  readonly labels: Uint8Array;
  readonly predictions: Uint16Array;
  /** (count × classes), row-major. */
  readonly probabilities: Float64Array;
}

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
  const { path, format, labelled } = target;
  const temporary = temporaryBeside(path);
  const hash = createHash("sha256");
  const file = await open(temporary, "wx").catch((error: unknown) => {
    throw writeFault(path, error);
  });
  let lines: LineWriter | undefined;

  async function write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    hash.update(bytes);
    await writeAll(file, bytes);
  }

  async function discard(): Promise<void> {
    await file.close().catch(() => {});
    await rm(temporary, { force: true });
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
        const classes = images.probabilities.length / images.count;
        const k = Math.min(target.topK, classes);
        let piece = "";
        if (lines === undefined) {
          lines = lineWriter(format, k);
          piece = lines.header;
        }
        for (let image = 0; image < images.count; image++) {
          piece += lines.line(predictionOf(images, image, classes, k, labelled));
          if (piece.length < PIECE_CHARACTERS) continue;
          await write(piece);
          piece = "";
        }
        await write(piece);
      }),
    finish: (complete) =>
      attempt(async () => {
        if (lines === undefined) {
          await discard();
          return null;
        }
        const finalPath = resolve(complete ? path : `${path}.partial`);
        await file.sync();
        await file.close();
        await rename(temporary, finalPath);
        return { path: finalPath, sha256: hash.digest("hex"), format };
      }),
    discard,
  };
}

function writeFault(path: string, error: unknown): RunError {
  return new RunError("ERR_OUTPUT_WRITE", { path, reason: reasonOf(error) }, { cause: error });
}

function predictionOf(
  images: PredictedImages,
  image: number,
  classes: number,
  k: number,
  labelled: boolean,
): Prediction {
  const probabilities = images.probabilities.subarray(image * classes, (image + 1) * classes);
  const prediction = images.predictions[image];
  const label = labelled ? images.labels[image] : null;
  return {
    index: images.firstImage + image,
    label,
    prediction,
    probability: probabilities[prediction],
    topK: topClasses(probabilities, k).map((one) => ({ class: one, probability: probabilities[one] })),
    correct: label === null ? null : label === prediction,
  };
}

/** A single write may be cut short. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += (await file.write(bytes, done)).bytesWritten;
}
