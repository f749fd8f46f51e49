/** How sure macro F1 is: a bootstrap over the images, drawn from the confusion matrix. */
import type { BootstrapInterval } from "#src/base/contracts/result.js";
import { averagesOf, classMetrics } from "./class-metrics.js";
import { marginalsOf } from "./marginals.js";
import { multinomialDraws } from "./multinomial.js";
import { quantile } from "./quantiles.js";

/**
 * The percentile interval at 95 % (B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13) of
 * macro F1 over `resamples` ≥ 1 draws of as many images as there are, with replacement. An image matters only by its
 * cell of `confusion` (classes × classes), so that a draw of n images is one of a multinomial distribution. The same
 * seed, an integer from 0 below 2³², gives the same interval. 0 to 1 where there are no images.
 */
export function bootstrapMacroF1(
  confusion: Uint32Array | Float64Array,
  classes: number,
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
): BootstrapInterval {
  if (confusion.every((images) => images === 0)) return { low: 0, high: 1, resamples, seed };
  const draw = multinomialDraws(confusion, seed);
  const values = Float64Array.from({ length: resamples }, () => macroF1(draw(), classes)).sort();
  return { low: quantile(values, 0.025), high: quantile(values, 0.975), resamples, seed };
}

function macroF1(confusion: ArrayLike<number>, classes: number): number {
  const marginals = marginalsOf(confusion, classes);
  return averagesOf(classMetrics(marginals), marginals).macro.f1;
}
