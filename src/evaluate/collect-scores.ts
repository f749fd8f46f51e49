/** What a run collects where probabilities are asked for; loaded only then. */

import { allocateEntries } from "#src/base/allocate.js";
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import type { TimelineEntry } from "#src/base/contracts/run-facts.js";
import { rounded } from "#src/base/text.js";
import { addScoreSums, emptyScoreSums } from "#src/metrics/score-sums.js";
import type { MergedBatch } from "#src/pool/run-batches.js";

export interface CollectedScores {
  /** (images × classes) f64, row-major; null where they are not kept. */
  readonly probabilities: Float64Array | null;
  add(merged: MergedBatch): void;
  sums(): ScoreSums;
  /** In the order of the merge, as `createTimeline` keeps them; `beganAtMs` is in the answers' absolute time. */
  timeline(beganAtMs: number): readonly TimelineEntry[];
}

/**
 * @param keeps whether the probabilities of all images are to be in memory
 * @param counted sums of other images, where some were scored before
 */
export function collectScores(
  range: ImageRange,
  classes: number,
  keeps: boolean,
  counted = emptyScoreSums(classes),
): CollectedScores {
  const probabilities = keeps ? allocateEntries(Float64Array, range.limit, classes) : null;
  /** Starts are in absolute time. */
  const timeline = createTimeline();
  let sums = counted;
  return {
    probabilities,
    add({ slab, batch, answer, thread }) {
      timeline.add({ batch: batch.id, thread, startMs: answer.startedAtMs, elapsedMs: answer.elapsedMs });
      if (slab.probabilities === undefined || answer.scores === null) return;
      sums = addScoreSums(sums, answer.scores);
      const [first, end] = [batch.start * classes, (batch.start + batch.count) * classes];
      probabilities?.set(
        slab.probabilities.subarray(first, end),
        (slab.firstImage - range.offset) * classes + first,
      );
    },
    sums: () => sums,
    timeline: (beganAtMs) =>
      timeline.entries.map(({ startMs, elapsedMs, ...where }) => ({
        ...where,
        // The clocks of two threads may differ by microseconds.
        startMs: rounded(Math.max(0, startMs - beganAtMs)),
        elapsedMs: rounded(elapsedMs),
      })),
  };
}

/** A page shows fewer, and in JSON they are less than a megabyte. */
const MOST_KEPT = 10_000;

export interface Timeline {
  /** In the order in which they came: those of all batches, or, of more than 10,000, of every second, every fourth and so on. */
  readonly entries: readonly TimelineEntry[];
  add(entry: TimelineEntry): void;
}

/** Which batches are kept depends on their numbers alone, and not on the order in which they come. */
export function createTimeline(): Timeline {
  let entries: TimelineEntry[] = [];
  /** The batches kept are those whose number is a multiple of it. */
  let every = 1;
  return {
    get entries() {
      return entries;
    },
    add(entry) {
      if (entry.batch % every !== 0) return;
      entries.push(entry);
      while (entries.length > MOST_KEPT) {
        every *= 2;
        entries = entries.filter(({ batch }) => batch % every === 0);
      }
    },
  };
}
