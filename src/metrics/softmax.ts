/** From logits to probabilities. */

/**
 * softmax(x)ᵢ = e^(xᵢ − max x) ÷ Σ e^(xⱼ − max x), float64. Stable: the largest exponent is 0, so nothing overflows.
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
  let sum = 0;
  for (let n = start; n < end; n++) {
    values[n] = Math.exp(values[n] - largest);
    sum += values[n];
  }
  for (let n = start; n < end; n++) values[n] /= sum;
}
