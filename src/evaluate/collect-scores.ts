/** Collects scores and the timeline of a run with probabilities; loaded only for such a run. */
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import type { TimelineEntry } from "#src/base/contracts/run-facts.js";
import { allocateEntries } from "#src/base/slab.js";
import { rounded } from "#src/base/text.js";
import { addScoreSums, emptyScoreSums } from "#src/metrics/score-sums.js";
import type { MergedBatch } from "#src/pool/run-batches.js";

export interface CollectedScores {
  /** (images × classes) f64, row-major; null if they are not kept. */
  readonly probabilities: Float64Array | null;
  add(merged: MergedBatch): void;
  sums(): ScoreSums;
  /** Entries in the order of the merge. `beganAtMs` is in milliseconds since 1970, as are the times of the answers. */
  timeline(beganAtMs: number): readonly TimelineEntry[];
}

/**
 * @param keeps whether the probabilities of all images stay in memory
 * @param counted sums of images that were scored before
 */
export function collectScores(
  range: ImageRange,
  classes: number,
  keeps: boolean,
  counted = emptyScoreSums(classes),
): CollectedScores {
  const probabilities = keeps ? allocateEntries(Float64Array, range.limit, classes) : null;
  /** Start times in milliseconds since 1970. */
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

/** Most entries. A page shows fewer, and their JSON is below one megabyte. */
const MOST_KEPT = 10_000;

export interface Timeline {
  /** At most 10,000 entries, in the order of the merge; beyond that every 2ⁿ-th batch. */
  readonly entries: readonly TimelineEntry[];
  add(entry: TimelineEntry): void;
}

/** The batch numbers decide which entries are kept; their order does not. */
export function createTimeline(): Timeline {
  let entries: TimelineEntry[] = [];
  /** Batches are kept if their number is a multiple of this. */
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
