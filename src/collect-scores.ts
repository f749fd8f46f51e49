/** What a run collects where probabilities are asked for; loaded only then. */
import type { ImageRange } from "./contracts/dataset.js";
import type { ScoreMetrics } from "./contracts/metrics.js";
import type { TimelineEntry } from "./contracts/run.js";
import { scoreMetrics } from "./metrics/score-metrics.js";
import { addScoreSums, emptyScoreSums } from "./metrics/score-sums.js";
import { rounded } from "./milliseconds.js";
import type { MergedBatch } from "./run-batches.js";

const DEFAULT_TOP_K = 5;

export interface CollectedScores {
  /** (images × classes) f64, row-major. */
  readonly probabilities: Float64Array;
  add(merged: MergedBatch): void;
  /** Top-k accuracy with k as given, or 5, and at most the classes. */
  metrics(topK: number | undefined): ScoreMetrics;
  /** In the order of the merge; `beganAtMs` is in the answers' absolute time. */
  timeline(beganAtMs: number): TimelineEntry[];
}

export function collectScores(range: ImageRange, classes: number): CollectedScores {
  const probabilities = new Float64Array(range.limit * classes);
  /** Their starts in absolute time. */
  const entries: TimelineEntry[] = [];
  let sums = emptyScoreSums(classes);
  return {
    probabilities,
    add({ slab, batch, answer, thread }) {
      entries.push({ batch: batch.id, thread, startMs: answer.startedAtMs, elapsedMs: answer.elapsedMs });
      if (slab.probabilities === undefined || answer.scores === null) return;
      sums = addScoreSums(sums, answer.scores);
      const [first, end] = [batch.start * classes, (batch.start + batch.count) * classes];
      probabilities.set(
        slab.probabilities.subarray(first, end),
        (slab.firstImage - range.offset) * classes + first,
      );
    },
    metrics: (topK = DEFAULT_TOP_K) => scoreMetrics(sums, Math.min(topK, classes)),
    timeline: (beganAtMs) =>
      entries.map(({ startMs, elapsedMs, ...where }) => ({
        ...where,
        // The clocks of two threads may differ by microseconds.
        startMs: rounded(Math.max(0, startMs - beganAtMs)),
        elapsedMs: rounded(elapsedMs),
      })),
  };
}
