/** Whether the answer of a worker, or of the coordinator's own engine, can be true: one that cannot is a thread gone wrong. */
import type { BatchAnswer, Task } from "#src/base/contracts/executor.js";
import type { ScoreSums } from "#src/base/contracts/scores.js";
import { RunError } from "#src/base/errors.js";
import { viewSlab } from "#src/base/slab.js";
import { batchesOf } from "./claims.js";

/**
 * Every batch of the thread is answered once, in order, with the slab's own count, and with the scores of as many images
 * where probabilities were asked for. A batch with an image of which a logit is NaN has no other answer.
 *
 * @throws RunError ERR_WORKER_ANSWER
 */
export function checkAnswer(task: Task, answers: readonly BatchAnswer[], classes: number): void {
  const batches = batchesOf(task);
  if (answers.length !== batches.length) {
    const found = `${answers.length}`;
    throw new RunError("ERR_WORKER_ANSWER", { expected: `${batches.length} batch answers`, found });
  }
  const { labels, predictions, probabilities } = viewSlab(task.buffer, task.layout);
  for (let n = 0; n < batches.length; n++) {
    const { id, start, count } = batches[n];
    const given = answers[n];
    if (given.id === id && isWithin(given.nanImage, task.layout.firstImage + start, count)) continue;
    let correct = 0;
    for (let image = start; image < start + count; image++) {
      if (predictions[image] >= classes) {
        throw new RunError("ERR_WORKER_ANSWER", {
          expected: `classes below ${classes}`,
          found: `${predictions[image]} for image ${task.layout.firstImage + image}`,
        });
      }
      if (predictions[image] === labels[image]) correct++;
    }
    if (given.id !== id || given.correct !== correct || given.nanImage !== undefined || !isMeasured(given)) {
      throw new RunError("ERR_WORKER_ANSWER", {
        expected: `batch ${id} with ${correct} correct`,
        found: textOf(given),
      });
    }
    const { scores } = given;
    if (probabilities === undefined ? scores !== null : !areScoresOf(scores, count, correct, classes)) {
      throw new RunError("ERR_WORKER_ANSWER", {
        expected: probabilities === undefined ? `batch ${id} without scores` : `scores of ${count} images`,
        found: textOf(scores),
      });
    }
  }
}

function isMeasured({ recomputed, startedAtMs, elapsedMs }: BatchAnswer): boolean {
  return Number.isInteger(recomputed) && Number.isFinite(startedAtMs) && elapsedMs >= 0;
}

function isWithin(image: number | undefined, first: number, count: number): boolean {
  return image !== undefined && Number.isInteger(image) && image >= first && image < first + count;
}

function areScoresOf(scores: ScoreSums | null, count: number, correct: number, classes: number): boolean {
  if (typeof scores !== "object" || scores === null) return false;
  const { logLoss, brier, labelRanks, bins } = scores as Partial<ScoreSums>;
  return (
    isUnits(logLoss) &&
    isUnits(brier) &&
    labelRanks?.length === classes &&
    labelRanks[0] === correct &&
    labelRanks.reduce((sum, images) => sum + images, 0) === count &&
    bins?.every(({ confidence, correct, total }) => isUnits(confidence) && correct <= total) === true &&
    bins.reduce((sum, { total }) => sum + total, 0) === count
  );
}

function isUnits(value: unknown): boolean {
  return typeof value === "bigint" && value >= 0n;
}

/** JSON, shortened; integers of any size as they are written. */
function textOf(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
  return text?.slice(0, 120) ?? "nothing";
}
