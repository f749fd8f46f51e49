/** Whether a worker's answer can be true: a count that does not match the slab is a worker gone wrong. */
import type { BatchAnswer, Task } from "../contracts/executor.js";
import { RunError } from "../errors.js";
import { viewSlab } from "../slabs/slab.js";

/** Returns the answer typed, or throws ERR_WORKER_ANSWER: every batch answered once, in order, with the slab's own count. */
export function checkAnswer(task: Task, answer: unknown, classes: number): readonly BatchAnswer[] {
  const { batches } = task;
  if (!Array.isArray(answer) || answer.length !== batches.length) {
    const found = Array.isArray(answer) ? `${answer.length}` : typeof answer;
    throw new RunError("ERR_WORKER_ANSWER", { expected: `${batches.length} batch answers`, found });
  }
  const { labels, predictions } = viewSlab(task.buffer, task.layout);
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
        found: JSON.stringify(given)?.slice(0, 120) ?? "nothing",
      });
    }
  }
  return answer;
}

function isBatchAnswer(value: unknown): value is BatchAnswer {
  if (typeof value !== "object" || value === null) return false;
  const { id, correct, recomputed, elapsedMs } = value as Record<string, unknown>;
  return (
    Number.isInteger(id) &&
    Number.isInteger(correct) &&
    Number.isInteger(recomputed) &&
    typeof elapsedMs === "number" &&
    elapsedMs >= 0
  );
}
