/** Merge of batches: integers, added by batch id, and the counts of a part of a run. Each batch counts once. */

import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { Batch } from "#src/base/contracts/executor.js";
import type { PartialCounts, SerialisedScoreSums } from "#src/base/contracts/journal.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import type { Slab } from "#src/base/slab.js";

export interface Tally {
  readonly correct: number;
  readonly total: number;
  /** (classes × classes) counts, row-major, exact up to 2⁵³; rows are labels, columns predictions. */
  readonly confusion: Float64Array;
  /** Returns false, and adds nothing, if the batch was counted before. */
  add(slab: Slab, batch: Batch): boolean;
}

/**
 * Number of images from `start` whose prediction is their label. A function of its own: V8 takes 20 ms to optimize a loop
 * over images together with what surrounds it, and 1 ms for the loop.
 */
export function countCorrect(
  { labels, predictions }: Pick<Slab, "labels" | "predictions">,
  { start, count }: Pick<Batch, "start" | "count">,
): number {
  let correct = 0;
  for (let image = start; image < start + count; image++) {
    if (predictions[image] === labels[image]) correct++;
  }
  return correct;
}

/** @param counted counts of other images, to start from */
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

/** Set of integers from 0, one bit each, since batches are many and arrive nearly in order. */
function createBitSet() {
  let bits = new Uint8Array(1024);
  return {
    /** Returns false if the set already has the number. */
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

/** Counts of a square, row-major matrix. */
type Counts = Uint32Array | Float64Array;

export interface CountsBeside {
  /** Null if probabilities were not requested. */
  readonly scores: ScoreSums | null;
  /** Number of images computed again in float64. */
  readonly recomputed: number;
}

export function partialOf(
  { correct, total, confusion }: Pick<Tally, "correct" | "total"> & { readonly confusion: Counts },
  { offset, limit }: ImageRange,
  { scores, recomputed }: CountsBeside,
): PartialCounts {
  return {
    offset,
    limit,
    correct,
    total,
    confusionMatrix: matrixRows(confusion),
    scores: scores && serialiseScores(scores),
    recomputed,
  };
}

/** Rows of a square, row-major matrix. */
export function matrixRows(square: Counts): number[][] {
  const side = Math.sqrt(square.length);
  return Array.from({ length: side }, (_, row) => [...square.subarray(row * side, (row + 1) * side)]);
}

export function serialiseScores({ logLoss, brier, labelRanks, bins }: ScoreSums): SerialisedScoreSums {
  return {
    logLoss: String(logLoss),
    brier: String(brier),
    labelRanks,
    bins: bins.map((bin) => ({ ...bin, confidence: String(bin.confidence) })),
  };
}

export function scoreSumsOf({ logLoss, brier, labelRanks, bins }: SerialisedScoreSums): ScoreSums {
  return {
    logLoss: BigInt(logLoss),
    brier: BigInt(brier),
    labelRanks,
    bins: bins.map((bin) => ({ ...bin, confidence: BigInt(bin.confidence) })),
  };
}
