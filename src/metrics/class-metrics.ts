/** Precision, recall and F1 of each class, and their means. */

import type { ClassAverages, ClassMetrics, ConfusionMetrics } from "#src/base/contracts/metrics.js";

/**
 * As scikit-learn's precision_recall_fscore_support defines them, with F1 = 2·hits ÷ (support + predicted), which has
 * a value wherever the class occurs as a label or a prediction.
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

/** As scikit-learn's `average` of the same names, with `zero_division=0`. */
export function averagesOf(
  perClass: readonly ClassMetrics[],
  { correct, total }: Pick<Marginals, "correct" | "total">,
): ConfusionMetrics["averages"] {
  // Every image has one label and one prediction, so that over all images a false positive is a false negative.
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

// Everything that the confusion matrix alone says.

/** `confusion` is (classes × classes) counts, row-major; rows are labels, columns predictions. */
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

// Agreement of labels and predictions beyond what chance would give: Cohen's kappa and Matthews' correlation.

/**
 * With c right of n images, supports tₖ and predictions pₖ:
 *   κ = (c·n − Σ tₖ·pₖ) ÷ (n² − Σ tₖ·pₖ)                          J. Cohen, Educ. Psychol. Meas. 20, 1960
 *   R = (c·n − Σ tₖ·pₖ) ÷ √((n² − Σ pₖ²)·(n² − Σ tₖ²))             J. Gorodkin, Comput. Biol. Chem. 28, 2004
 * as scikit-learn's cohen_kappa_score and matthews_corrcoef have them. The differences are taken of BigInts: where
 * nearly all of many images are of one class they are of n's size while their terms are of n²'s, so that float64, which
 * is exact below 2⁵³ only, would lose the ninth digit from some 10⁸ images on.
 */
export function chanceCorrected({ support, predicted, correct, total }: Marginals): {
  /** Null where chance alone would agree on every image, or there are none. */
  cohensKappa: number | null;
  /** 0 where labels or predictions are all of one class. */
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

/** What a confusion matrix says of each class alone, and of all images together. */

/** Sums of at most 2⁵³ images: plain numbers hold them exactly. */
export interface Marginals {
  /** [k]: images labelled k. */
  readonly support: Float64Array;
  /** [k]: images predicted as k. */
  readonly predicted: Float64Array;
  /** [k]: images that are both. */
  readonly hits: Float64Array;
  readonly correct: number;
  readonly total: number;
}

/** `confusion` is (classes × classes) counts, row-major; rows are labels, columns predictions. */
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
