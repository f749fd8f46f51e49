/** The merge: integers added by batch id, each batch counted once, in any order. */
import type { Batch } from "#src/base/contracts/executor.js";
import type { PartialCounts } from "#src/base/contracts/journal.js";
import type { Slab } from "#src/base/slab.js";

export interface Tally {
  readonly correct: number;
  readonly total: number;
  /** (classes × classes) counts, exact to 2⁵³: all images of a run, up to 2³², can be in one; rows are labels, columns predictions. */
  readonly confusion: Float64Array;
  /** False where the batch had been counted before; then nothing is added. */
  add(slab: Slab, batch: Batch): boolean;
}

/** @param counted what was counted before, of other images */
export function createTally(classes: number, counted?: PartialCounts): Tally {
  const confusion = new Float64Array(classes * classes);
  if (counted !== undefined) confusion.set(counted.confusionMatrix.flat());
  const merged = createBitSet();
  let correct = counted?.correct ?? 0;
  let total = counted?.total ?? 0;
  return {
    confusion,
    get correct() {
      return correct;
    },
    get total() {
      return total;
    },
    add({ labels, predictions }, { id, start, count }) {
      if (!merged.add(id)) return false;
      for (let image = start; image < start + count; image++) {
        confusion[labels[image]! * classes + predictions[image]!]!++;
        if (labels[image] === predictions[image]) correct++;
      }
      total += count;
      return true;
    },
  };
}

/** Whole numbers from 0, a bit each: batches are many, and come nearly in order. */
function createBitSet() {
  let bits = new Uint8Array(1024);
  return {
    /** False where the number was in it before. */
    add(n: number): boolean {
      const at = n >>> 3;
      if (at >= bits.length) {
        const grown = new Uint8Array(Math.max(2 * bits.length, at + 1));
        grown.set(bits);
        bits = grown;
      }
      const bit = 1 << (n & 7);
      if ((bits[at]! & bit) !== 0) return false;
      bits[at]! |= bit;
      return true;
    },
  };
}
