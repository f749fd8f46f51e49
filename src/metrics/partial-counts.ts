/** Counts of a part of a run in the form that files and messages store: rows of numbers, sums as decimal strings. */

import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { PartialCounts, SerialisedScoreSums } from "#src/base/contracts/journal.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import type { Tally } from "./tally.js";

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
