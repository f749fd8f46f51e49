/** Precision, recall and F1 of each class, and their means. */
import type { ClassAverages, ClassMetrics, ConfusionMetrics } from "#src/base/contracts/metrics.js";
import type { Marginals } from "./marginals.js";

/**
 * As scikit-learn's precision_recall_fscore_support defines them, with F1 = 2·hits ÷ (support + predicted), which has
 * a value wherever the class occurs as a label or a prediction.
 */
export function classMetrics({ support, predicted, hits }: Marginals): ClassMetrics[] {
  return Array.from(support, (images, label) => ({
    label,
    support: images,
    predicted: predicted[label],
    precision: ratio(hits[label], predicted[label]),
    recall: ratio(hits[label], images),
    f1: ratio(2 * hits[label], images + predicted[label]),
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
