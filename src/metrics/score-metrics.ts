/** Metrics of probabilities, each divided once from its integer sums, and the order of an image's classes. */

import type { ReliabilityBin, ScoreBin, ScoreMetrics, ScoreSums } from "#src/base/contracts/metrics.js";
import { sumOf, UNITS_PER_ONE } from "./score-sums.js";

/**
 * Log loss, Brier score, expected calibration error and top-k accuracy. All are 0 without images.
 *
 * Log loss and top-k accuracy match scikit-learn's log_loss and top_k_accuracy_score.
 * The Brier score is the sum over all classes (G. W. Brier, Monthly Weather Review 78, 1950).
 * The expected calibration error is Σ_b (n_b ÷ n)·|accuracy_b − confidence_b| (Guo et al., ICML 2017).
 * Each image is rounded by at most 2⁻³³. So the error of each mean is at most 2⁻³³.
 *
 * @param k 1 to the number of classes; for k = 1, ties of logits count as in the accuracy, not as in scikit-learn
 */
export function scoreMetrics({ logLoss, brier, labelRanks, bins }: ScoreSums, k: number): ScoreMetrics {
  const total = sumOf(labelRanks);
  const correct = sumOf(labelRanks.slice(0, k));
  const mean = (units: bigint) => (total === 0 ? 0 : Number(units) / UNITS_PER_ONE / total);
  return {
    logLoss: mean(logLoss),
    brierScore: mean(brier),
    expectedCalibrationError: mean(bins.reduce((sum, bin) => sum + miscalibrationOf(bin), 0n)),
    reliability: bins.map((bin, n) => reliabilityOf(bin, n / bins.length, (n + 1) / bins.length)),
    topK: { k, correct, accuracy: total === 0 ? 0 : correct / total },
  };
}

/** n_b·|accuracy_b − confidence_b| in units of 2⁻³². It is an integer, because n_b cancels. */
function miscalibrationOf({ correct, confidence }: ScoreBin): bigint {
  const gap = BigInt(correct) * BigInt(UNITS_PER_ONE) - confidence;
  return gap < 0n ? -gap : gap;
}

function reliabilityOf({ total, correct, confidence }: ScoreBin, from: number, to: number): ReliabilityBin {
  if (total === 0) return { from, to, total, accuracy: null, meanConfidence: null };
  return {
    from,
    to,
    total,
    accuracy: correct / total,
    meanConfidence: Number(confidence) / UNITS_PER_ONE / total,
  };
}

/** Up to this number of classes, insertion sort is faster than merge sort. */
const FEW = 16;

/**
 * Writes the classes into `ranking` from `start`, by descending logit; among equal logits the lower class comes first.
 * The order comes from logits, because softmax may map different logits to equal probabilities.
 */
export type RankClasses = (logits: Float64Array, ranking: Uint16Array, start: number) => void;

/**
 * Merge sort over runs of insertion sort. Its two buffers are allocated once.
 * Logits and ranking are (images × count), row-major; `start` is the start of the image's row in both.
 */
export function classRanker(count: number): RankClasses {
  const [low, high] = [new Uint16Array(count), new Uint16Array(count)];
  return (logits, ranking, start) => {
    for (let first = 0; first < count; first += FEW) {
      insertRun(logits, low, start, first, Math.min(first + FEW, count));
    }
    let [from, to] = [low, high];
    for (let width = FEW; width < count; width *= 2) {
      for (let first = 0; first < count; first += 2 * width) mergeRuns(logits, from, to, start, first, width);
      [from, to] = [to, from];
    }
    ranking.set(from, start);
  };
}

/** Sorts the classes from `first` up to, not including, `end`. */
function insertRun(
  logits: Float64Array,
  order: Uint16Array,
  start: number,
  first: number,
  end: number,
): void {
  for (let one = first; one < end; one++) {
    const logit = logits[start + one]!;
    let place = one;
    for (; place > first && logits[start + order[place - 1]!]! < logit; place--)
      order[place] = order[place - 1]!;
    order[place] = one;
  }
}

/** Merges two sorted runs of `width` that begin at `first`. The second may be shorter or empty. */
function mergeRuns(
  logits: Float64Array,
  from: Uint16Array,
  to: Uint16Array,
  start: number,
  first: number,
  width: number,
): void {
  const middle = Math.min(first + width, from.length);
  const end = Math.min(first + 2 * width, from.length);
  let [left, right] = [first, middle];
  for (let place = first; place < end; place++) {
    // Among equal logits, the left run has the lower class.
    const isLeft =
      left < middle && (right === end || logits[start + from[left]!]! >= logits[start + from[right]!]!);
    to[place] = isLeft ? from[left++]! : from[right++]!;
  }
}
