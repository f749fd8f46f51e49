/** The most probable classes of an image. */

/**
 * Indices of the `k` largest of `probabilities`, largest first; of equals, the lower index comes first. `k` is at most
 * their number.
 */
export function topClasses(probabilities: Float64Array, k: number): number[] {
  const top: number[] = [];
  for (let index = 0; index < probabilities.length; index++) {
    let place = top.length;
    while (place > 0 && probabilities[index] > probabilities[top[place - 1]]) place--;
    if (place < k) top.splice(place, 0, index);
    if (top.length > k) top.pop();
  }
  return top;
}
