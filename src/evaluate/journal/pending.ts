/** What was merged since the journal was last written: batch by batch, until it is written range by range. */
import type { PartialCounts } from "#src/base/contracts/partial.js";
import type { ScoreSums } from "#src/base/contracts/scores.js";
import { partialOf } from "#src/metrics/partial-counts.js";
import { addScoreSums } from "#src/metrics/score-sums.js";
import type { MergedBatch } from "#src/pool/run-batches.js";

interface PendingBatch {
  readonly offset: number;
  readonly end: number;
  /** (images) u32: label × classes + prediction of each. A matrix a batch could be larger than the batch. */
  readonly cells: Uint32Array;
  readonly scores: ScoreSums | null;
  readonly recomputed: number;
}

export interface Pending {
  /** Copies what it needs: the slab may be used again. */
  add(merged: MergedBatch): void;
  /** The counts of all batches that end at `before` or earlier, a range of consecutive ones each; they are then not pending. */
  take(before: number): PartialCounts[];
  clear(): void;
}

export function createPending(classes: number): Pending {
  let batches: PendingBatch[] = [];
  return {
    add({ slab, batch: { start, count }, answer: { scores, recomputed } }) {
      const cells = new Uint32Array(count);
      for (let n = 0; n < count; n++) {
        cells[n] = slab.labels[start + n] * classes + slab.predictions[start + n];
      }
      const offset = slab.firstImage + start;
      batches.push({ offset, end: offset + count, cells, scores, recomputed });
    },
    take(before) {
      const taken = batches.filter(({ end }) => end <= before).sort((a, b) => a.offset - b.offset);
      batches = batches.filter(({ end }) => end > before);
      const runs: PendingBatch[][] = [];
      for (const batch of taken) {
        const run = runs.at(-1);
        if (run?.at(-1)?.end === batch.offset) run.push(batch);
        else runs.push([batch]);
      }
      return runs.map((run) => countsOf(run, classes));
    },
    clear() {
      batches = [];
    },
  };
}

/** Of consecutive batches, at least one. */
function countsOf(run: readonly PendingBatch[], classes: number): PartialCounts {
  const confusion = new Uint32Array(classes * classes);
  let correct = 0;
  let total = 0;
  for (const { cells } of run) {
    for (const cell of cells) {
      confusion[cell]++;
      // Cells of the diagonal are multiples of classes + 1.
      if (cell % (classes + 1) === 0) correct++;
    }
    total += cells.length;
  }
  const scores = run
    .map((batch) => batch.scores)
    .reduce((a, b) => (a === null || b === null ? null : addScoreSums(a, b)));
  const recomputed = run.reduce((sum, batch) => sum + batch.recomputed, 0);
  return partialOf(
    { correct, total, confusion },
    { offset: run[0].offset, limit: total },
    { scores, recomputed },
  );
}
