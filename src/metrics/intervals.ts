/** How sure a proportion is. */

/** The normal distribution's 97.5 % quantile: two-sided 95 %. */
const Z95 = 1.959963984540054;

/** Wilson's score interval at 95 % for `successes` of `trials` > 0 (E. B. Wilson, JASA 22, 1927). */
export function wilson95(successes: number, trials: number): [low: number, high: number] {
  const proportion = successes / trials;
  const z2 = Z95 ** 2 / trials;
  const centre = (proportion + z2 / 2) / (1 + z2);
  const half = (Z95 / (1 + z2)) * Math.sqrt((proportion * (1 - proportion)) / trials + z2 / (4 * trials));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}
