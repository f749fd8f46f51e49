/** From logits to probabilities. */

/**
 * softmax(x)ᵢ = e^(xᵢ − max x) ÷ Σ e^(xⱼ − max x), float64. Stable: the largest exponent is 0, so nothing overflows.
 * Source: the book's common/functions.py.
 */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let n = 0; n < values.length; n++) {
    values[n] = Math.exp(values[n] - largest);
    sum += values[n];
  }
  for (let n = 0; n < values.length; n++) values[n] /= sum;
  return values;
}
