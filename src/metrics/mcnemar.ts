/** Whether two networks differ on the same images. */

/**
 * McNemar's exact test: the two-sided p-value of `onlyA` against `onlyB` images that just one network has right, which
 * under the null hypothesis are tosses of a fair coin: min(1, 2·P(X ≤ min)), X ~ Binomial(onlyA + onlyB, ½)
 * (Q. McNemar, Psychometrika 12, 1947).
 *
 * The probabilities are summed relative to the middle one, each from its neighbour: only products and sums of positive
 * numbers, of which some 20·√n are large enough to count. ln Γ would lose digits instead, being of n's size.
 * Below 10⁻³⁰⁰ the p-value is 0.
 */
export function mcnemarExact(onlyA: number, onlyB: number): number {
  const tosses = onlyA + onlyB;
  const fewer = Math.min(onlyA, onlyB);
  const middle = Math.floor(tosses / 2);
  let half = 0;
  let tail = 0;
  for (let heads = middle, weight = 1; heads >= 0 && weight > 0; heads--) {
    half += weight;
    if (heads <= fewer) tail += weight;
    weight *= heads / (tosses - heads + 1);
  }
  // Symmetric; of an even number of tosses the middle stands alone, and its weight is 1.
  const whole = tosses % 2 === 0 ? 2 * half - 1 : 2 * half;
  return Math.min(1, (2 * tail) / whole);
}
