/** From merged integers to the counts that users see: the one division is made here. */
import type { PartialCounts } from "#src/base/contracts/partial.js";
import type { BootstrapInterval, ResultCounts } from "#src/base/contracts/result.js";
import { confusionMetrics } from "#src/metrics/confusion-metrics.js";
import { wilson95 } from "#src/metrics/intervals.js";
import { scoreSumsOf } from "#src/metrics/partial-counts.js";
import type { EvaluateOptions } from "./options.js";

const DEFAULT_TOP_K = 5;

export type CountsOptions = Pick<EvaluateOptions, "topK" | "bootstrap" | "seed">;

/** Top-k accuracy with k as given, or 5, and at most the classes. */
export async function resultCounts(
  { correct, total, limit, confusionMatrix, scores }: PartialCounts,
  { topK = DEFAULT_TOP_K, ...bootstrap }: CountsOptions,
): Promise<ResultCounts> {
  const classes = confusionMatrix.length;
  const confusion = Float64Array.from(confusionMatrix.flat());
  return {
    labelled: true,
    accuracy: total === 0 ? 0 : correct / total,
    correct,
    total,
    complete: total === limit,
    confidenceInterval95: total === 0 ? [0, 1] : wilson95(correct, total),
    confusionMatrix,
    ...confusionMetrics(confusion, classes),
    scores: scores && (await scoreMetricsOf())(scoreSumsOf(scores), Math.min(topK, classes)),
    macroF1Interval95: await intervalOf(confusion, classes, bootstrap),
  };
}

/** Loaded only where probabilities were asked for. */
async function scoreMetricsOf() {
  return (await import("#src/metrics/score-metrics.js")).scoreMetrics;
}

async function intervalOf(
  confusion: Float64Array,
  classes: number,
  { bootstrap, seed }: Pick<CountsOptions, "bootstrap" | "seed">,
): Promise<BootstrapInterval | null> {
  if (bootstrap === 0) return null;
  const { bootstrapMacroF1 } = await import("#src/metrics/bootstrap.js");
  return bootstrapMacroF1(confusion, classes, { resamples: bootstrap, seed });
}
