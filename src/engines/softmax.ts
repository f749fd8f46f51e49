/** From logits to probabilities. */
import type { OutputKind } from "#src/base/contracts/network.js";

/**
 * softmax(x)ᵢ = e^(xᵢ − max x) ÷ Σ e^(xⱼ − max x), float64. Stable: the largest exponent is 0, so nothing overflows.
 * Infinite logits give the limit: the largest share 1 equally where they are ±∞. NaN gives NaN.
 * Source: the book's common/functions.py.
 */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  softmaxInPlace(values, 0, values.length);
  return values;
}

/** The `count` values from `start` become their softmax, to the bit that `softmax` gives. */
export function softmaxInPlace(values: Float64Array, start: number, count: number): void {
  const end = start + count;
  let largest = Number.NEGATIVE_INFINITY;
  for (let n = start; n < end; n++) if (values[n] > largest) largest = values[n];
  if (!Number.isFinite(largest)) {
    shareEqually(values, start, end, largest);
    return;
  }
  let sum = 0;
  for (let n = start; n < end; n++) {
    values[n] = Math.exp(values[n] - largest);
    sum += values[n];
  }
  for (let n = start; n < end; n++) values[n] /= sum;
}

/**
 * The `count` logits from `start` become the probabilities of a model that ends with `kind`. Of softmax and log softmax,
 * and of logits alone, they are the softmax. Sigmoids are divided by their sum, as scikit-learn's
 * `OneVsRestClassifier.predict_proba` and Keras' `categorical_crossentropy` have it: σ(z)ᵢ ÷ Σ σ(z)ⱼ = softmax(ln σ(z))ᵢ,
 * which holds its limit where every σ(z) is 0 in float64.
 */
export function probabilitiesInPlace(
  kind: OutputKind,
  values: Float64Array,
  start: number,
  count: number,
): void {
  if (kind === "sigmoid") {
    for (let n = start; n < start + count; n++) values[n] = logSigmoid(values[n]);
  }
  softmaxInPlace(values, start, count);
}

/** ln σ(z) = min(z, 0) − ln(1 + e^−|z|), which neither overflows nor cancels. */
function logSigmoid(z: number): number {
  return Math.min(z, 0) - Math.log1p(Math.exp(-Math.abs(z)));
}

/** 1 ÷ m for each of the m values that equal `largest`, 0 for the others; NaN for all where one is. */
function shareEqually(values: Float64Array, start: number, end: number, largest: number): void {
  let sharing = 0;
  let isNan = false;
  for (let n = start; n < end; n++) {
    if (values[n] === largest) sharing++;
    else if (Number.isNaN(values[n])) isNan = true;
  }
  for (let n = start; n < end; n++) {
    values[n] = isNan ? Number.NaN : values[n] === largest ? 1 / sharing : 0;
  }
}
