/** Everything that the confusion matrix alone says. */
import type { ConfusionMetrics } from "#src/base/contracts/metrics.js";
import { chanceCorrected } from "./chance-corrected.js";
import { averagesOf, classMetrics } from "./class-metrics.js";
import { marginalsOf } from "./marginals.js";

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
