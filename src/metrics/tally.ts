/** The merge: integers added by batch id, each batch counted once, in any order. */
import type { Batch } from "../contracts/executor.js";
import type { Slab } from "../slabs/slab.js";

export interface Tally {
  readonly correct: number;
  readonly total: number;
  /** (classes × classes) counts; rows are labels, columns predictions. */
  readonly confusion: Uint32Array;
  /** False where the batch had been counted before; then nothing is added. */
  add(slab: Slab, batch: Batch): boolean;
}

export function createTally(classes: number): Tally {
  const confusion = new Uint32Array(classes * classes);
  const counted = new Set<number>();
  let correct = 0;
  let total = 0;
  return {
    confusion,
    get correct() {
      return correct;
    },
    get total() {
      return total;
    },
    add({ labels, predictions }, { id, start, count }) {
      if (counted.has(id)) return false;
      counted.add(id);
      for (let image = start; image < start + count; image++) {
        confusion[labels[image] * classes + predictions[image]]++;
        if (labels[image] === predictions[image]) correct++;
      }
      total += count;
      return true;
    },
  };
}
