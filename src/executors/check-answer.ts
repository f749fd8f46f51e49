/** Whether a worker's answer can be true: a count that does not match the slab is a worker gone wrong. */
import type { BatchAnswer, Task } from "../contracts/executor.js";
import type { ScoreSums } from "../contracts/scores.js";
import { RunError } from "../errors.js";
import { batchesOf } from "../slabs/claims.js";
import { viewSlab } from "../slabs/slab.js";

/**
 * Returns the answer typed, or throws ERR_WORKER_ANSWER: every batch of the thread answered once, in order, with the slab's own count, and
 * with the scores of as many images where probabilities were asked for.
 */
export function checkAnswer(task: Task, answer: unknown, classes: number): readonly BatchAnswer[] {
  const batches = batchesOf(task);
  if (!Array.isArray(answer) || answer.length !== batches.length) {
    const found = Array.isArray(answer) ? `${answer.length}` : typeof answer;
    throw new RunError("ERR_WORKER_ANSWER", { expected: `${batches.length} batch answers`, found });
  }
  const { labels, predictions, probabilities } = viewSlab(task.buffer, task.layout);
  for (const [n, { id, start, count }] of batches.entries()) {
    const given: unknown = answer[n];
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
    if (!isBatchAnswer(given) || given.id !== id || given.correct !== correct) {
      throw new RunError("ERR_WORKER_ANSWER", {
        expected: `batch ${id} with ${correct} correct`,
        found: textOf(given),
      });
    }
    const { scores } = given;
    if (probabilities === undefined ? scores !== null : !areScoresOf(scores, count, classes)) {
      throw new RunError("ERR_WORKER_ANSWER", {
        expected: probabilities === undefined ? `batch ${id} without scores` : `scores of ${count} images`,
        found: textOf(scores),
      });
    }
  }
  return answer;
}

function isBatchAnswer(value: unknown): value is BatchAnswer {
  if (typeof value !== "object" || value === null) return false;
  const { id, correct, recomputed, startedAtMs, elapsedMs } = value as Record<string, unknown>;
  return (
    Number.isInteger(id) &&
    Number.isInteger(correct) &&
    Number.isInteger(recomputed) &&
    Number.isFinite(startedAtMs) &&
    typeof elapsedMs === "number" &&
    elapsedMs >= 0
  );
}

function areScoresOf(scores: ScoreSums | null, count: number, classes: number): boolean {
  if (typeof scores !== "object" || scores === null) return false;
  const { logLoss, brier, labelRanks, bins } = scores as Partial<ScoreSums>;
  return (
    isUnits(logLoss) &&
    isUnits(brier) &&
    labelRanks?.length === classes &&
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
