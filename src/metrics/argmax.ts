/** The predicted class. */

/** Index of the largest of the `count` values from `start`; the first of equals, as in NumPy. */
export function argmax(values: ArrayLike<number>, start = 0, count = values.length): number {
  let best = 0;
  for (let n = 1; n < count; n++) {
    if (values[start + n] > values[start + best]) best = n;
  }
  return best;
}
