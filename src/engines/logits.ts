/** From the logits of an image to its class and its probabilities. */
import type { OutputKind } from "#src/base/contracts/network.js";

/** Index, relative to `start`, of the largest of `count` values; the first of equals, as in NumPy. No value may be NaN. */
export function argmax(values: ArrayLike<number>, start = 0, count = values.length): number {
  let best = 0;
  for (let n = 1; n < count; n++) {
    if (values[start + n]! > values[start + best]!) best = n;
  }
  return best;
}

/** An image has a logit that is NaN, so it has no class. A caller that knows the data set turns this into ERR_LOGITS_NAN. */
export class NanLogitError extends Error {
  /** Index of the image among those given. */
  readonly image: number;

  constructor(image: number) {
    super(`a logit of image ${image} is NaN`);
    this.image = image;
  }
}

/**
 * Argmax of one image's `count` logits from `start`, the first of equals.
 *
 * @param image index of the image among those given, for the error
 * @throws NanLogitError if a logit is NaN
 */
export function predictClass(
  logits: ArrayLike<number>,
  image: number,
  start = 0,
  count = logits.length,
): number {
  let best = 0;
  let largest = Number.NEGATIVE_INFINITY;
  for (let n = 0; n < count; n++) {
    const logit = logits[start + n]!;
    if (logit > largest) {
      largest = logit;
      best = n;
    } else if (Number.isNaN(logit)) {
      throw new NanLogitError(image);
    }
  }
  return best;
}

/**
 * softmax(x)ᵢ = e^(xᵢ − max x) ÷ Σ e^(xⱼ − max x), float64. Stable: the largest exponent is 0, so nothing overflows.
 * Infinite logits give the limit: if the largest is ±∞, all that equal it share 1 equally. NaN gives NaN.
 * Source: the book's common/functions.py.
 */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  softmaxInPlace(values, 0, values.length);
  return values;
}

/** Replaces the `count` values from `start` by their softmax, with the same bits as `softmax`. */
export function softmaxInPlace(values: Float64Array, start: number, count: number): void {
  const end = start + count;
  let largest = Number.NEGATIVE_INFINITY;
  for (let n = start; n < end; n++) if (values[n]! > largest) largest = values[n]!;
  if (!Number.isFinite(largest)) {
    shareEqually(values, start, end, largest);
    return;
  }
  let sum = 0;
  for (let n = start; n < end; n++) {
    values[n] = Math.exp(values[n]! - largest);
    sum += values[n]!;
  }
  for (let n = start; n < end; n++) values[n]! /= sum;
}

/**
 * Replaces the `count` logits from `start` by the probabilities of a model whose outputs are of `kind`. For logits, softmax
 * and log softmax these are the softmax. Sigmoids are divided by their sum, as in scikit-learn's
 * `OneVsRestClassifier.predict_proba` and Keras' `categorical_crossentropy`: σ(z)ᵢ ÷ Σ σ(z)ⱼ = softmax(ln σ(z))ᵢ. The right
 * side also gives the limit if every σ(z) is 0 in float64.
 */
export function probabilitiesInPlace(
  kind: OutputKind,
  values: Float64Array,
  start: number,
  count: number,
): void {
  if (kind === "sigmoid") {
    for (let n = start; n < start + count; n++) values[n] = logSigmoid(values[n]!);
  }
  softmaxInPlace(values, start, count);
}

/** ln σ(z) = min(z, 0) − ln(1 + e^−|z|), which neither overflows nor cancels. */
function logSigmoid(z: number): number {
  return Math.min(z, 0) - Math.log1p(Math.exp(-Math.abs(z)));
}

/** 1 ÷ m for each of the m values that equal `largest`, 0 for the others; NaN for all if one is NaN. */
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
