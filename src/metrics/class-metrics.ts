/** Metrics of a confusion matrix: precision, recall, F1 and their means; Cohen's kappa; Matthews' correlation. */

import type { ClassAverages, ClassMetrics, ConfusionMetrics } from "#src/base/contracts/metrics.js";

/**
 * Precision, recall and F1 of each class, as in scikit-learn's precision_recall_fscore_support.
 * F1 = 2·hits ÷ (support + predicted): it has a value if the class occurs as a label or as a prediction.
 * A ratio with the denominator 0 is null.
 */
export function classMetrics({ support, predicted, hits }: Marginals): ClassMetrics[] {
  return Array.from(support, (images, label) => ({
    label,
    support: images,
    predicted: predicted[label]!,
    precision: ratio(hits[label]!, predicted[label]!),
    recall: ratio(hits[label]!, images),
    f1: ratio(2 * hits[label]!, images + predicted[label]!),
  }));
}

/** Macro, micro and weighted means, as scikit-learn's `average` of the same names with `zero_division=0`. */
export function averagesOf(
  perClass: readonly ClassMetrics[],
  { correct, total }: Pick<Marginals, "correct" | "total">,
): ConfusionMetrics["averages"] {
  // Every image has one label and one prediction. So each false positive of a class is a false negative of another.
  const accuracy = ratio(correct, total) ?? 0;
  return {
    macro: weightedMean(perClass, ({ support, predicted }) => (support + predicted > 0 ? 1 : 0)),
    micro: { precision: accuracy, recall: accuracy, f1: accuracy },
    weighted: weightedMean(perClass, ({ support }) => support),
  };
}

function weightedMean(
  perClass: readonly ClassMetrics[],
  weightOf: (metrics: ClassMetrics) => number,
): ClassAverages {
  const weights = perClass.reduce((sum, metrics) => sum + weightOf(metrics), 0);
  const mean = (name: keyof ClassAverages) =>
    ratio(
      perClass.reduce((sum, metrics) => sum + weightOf(metrics) * (metrics[name] ?? 0), 0),
      weights,
    ) ?? 0;
  return { precision: mean("precision"), recall: mean("recall"), f1: mean("f1") };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/**
 * All metrics that need only the confusion matrix. `balancedAccuracy` is null without images.
 *
 * @param confusion (classes × classes) counts, row-major; rows are labels, columns predictions
 */
export function confusionMetrics(confusion: ArrayLike<number>, classes: number): ConfusionMetrics {
  const marginals = marginalsOf(confusion, classes);
  const perClass = classMetrics(marginals);
  return {
    perClass,
    averages: averagesOf(perClass, marginals),
    balancedAccuracy: meanOf(perClass.flatMap(({ recall }) => recall ?? [])),
    ...chanceCorrected(marginals),
  };
}

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((a, b) => a + b) / values.length;
}

/**
 * Agreement of labels and predictions beyond chance: Cohen's kappa κ and Matthews' correlation R.
 * With c correct of n images, supports tₖ and predictions pₖ:
 *   κ = (c·n − Σ tₖ·pₖ) ÷ (n² − Σ tₖ·pₖ)                          J. Cohen, Educ. Psychol. Meas. 20, 1960
 *   R = (c·n − Σ tₖ·pₖ) ÷ √((n² − Σ pₖ²)·(n² − Σ tₖ²))             J. Gorodkin, Comput. Biol. Chem. 28, 2004
 * Both match scikit-learn's cohen_kappa_score and matthews_corrcoef.
 *
 * The differences are computed as BigInts. If nearly all images have one class, a difference is about n, while its terms
 * are about n². Float64 is exact only below 2⁵³: it would lose the ninth digit from about 10⁸ images on.
 */
export function chanceCorrected({ support, predicted, correct, total }: Marginals): {
  /** Null if chance alone would agree on every image, or without images. */
  cohensKappa: number | null;
  /** 0 if all labels or all predictions are one class. */
  matthewsCorrelation: number;
} {
  const square = BigInt(total) ** 2n;
  const byChance = dot(support, predicted);
  const beyondChance = Number(BigInt(correct) * BigInt(total) - byChance);
  const room = Number(square - byChance);
  const spread = Number(square - dot(support, support)) * Number(square - dot(predicted, predicted));
  return {
    cohensKappa: room === 0 ? null : beyondChance / room,
    matthewsCorrelation: spread === 0 ? 0 : beyondChance / Math.sqrt(spread),
  };
}

function dot(a: Float64Array, b: Float64Array): bigint {
  return a.reduce((sum, value, n) => sum + BigInt(value) * BigInt(b[n]!), 0n);
}

/** Row sums, column sums and diagonal of a confusion matrix. Numbers hold counts up to 2⁵³ exactly. */
export interface Marginals {
  /** (classes) images with label k. */
  readonly support: Float64Array;
  /** (classes) images predicted as k. */
  readonly predicted: Float64Array;
  /** (classes) images with label k that are predicted as k. */
  readonly hits: Float64Array;
  /** Sum of `hits`. */
  readonly correct: number;
  /** Sum of `support`. */
  readonly total: number;
}

/** @param confusion (classes × classes) counts, row-major; rows are labels, columns predictions */
export function marginalsOf(confusion: ArrayLike<number>, classes: number): Marginals {
  const support = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  const hits = new Float64Array(classes);
  let correct = 0;
  let total = 0;
  for (let label = 0; label < classes; label++) {
    for (let prediction = 0; prediction < classes; prediction++) {
      const images = confusion[label * classes + prediction]!;
      support[label]! += images;
      predicted[prediction]! += images;
    }
    hits[label] = confusion[label * classes + label]!;
    correct += hits[label]!;
    total += support[label]!;
  }
  return { support, predicted, hits, correct, total };
}
