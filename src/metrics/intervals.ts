/** Confidence intervals of proportions. */

/** The normal distribution's 97.5 % quantile: two-sided 95 %. */
const Z95 = 1.959963984540054;

/** Wilson's 95 % score interval for `successes` of `trials` > 0, within 0..1 (E. B. Wilson, JASA 22, 1927). */
export function wilson95(successes: number, trials: number): [low: number, high: number] {
  return wilson(successes, trials, Z95);
}

/** Wilson's interval, widened so that `comparisons` ≥ 1 intervals hold together with 95 % (Bonferroni's inequality). */
export function wilsonAmong(
  successes: number,
  trials: number,
  comparisons: number,
): [low: number, high: number] {
  return wilson(successes, trials, -normalQuantile(0.025 / comparisons));
}

function wilson(successes: number, trials: number, z: number): [low: number, high: number] {
  const proportion = successes / trials;
  const z2 = z ** 2 / trials;
  const centre = (proportion + z2 / 2) / (1 + z2);
  const half = (z / (1 + z2)) * Math.sqrt((proportion * (1 - proportion)) / trials + z2 / (4 * trials));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/**
 * The normal distribution's quantile for 10⁻³⁰⁰ < p ≤ 0.025: Newton's method on ln Φ(−x).
 * Mills' ratio is a continued fraction (Abramowitz and Stegun, 26.2.14).
 */
function normalQuantile(p: number): number {
  const target = Math.log(p);
  let x = Math.sqrt(-2 * target);
  for (let step = 0; step < 50; step++) {
    const ratio = millsRatio(x);
    const logTail = -(x * x) / 2 - Math.log(Math.sqrt(2 * Math.PI)) + Math.log(ratio);
    // d ln Φ(−x) ÷ dx = −1 ÷ Mills' ratio.
    const change = (logTail - target) * ratio;
    x += change;
    if (Math.abs(change) < 1e-14 * x) break;
  }
  return -x;
}

/** Mills' ratio Φ(−x) ÷ φ(x) for x ≥ 1. */
function millsRatio(x: number): number {
  let value = x;
  for (let term = 200; term >= 1; term--) value = x + term / value;
  return 1 / value;
}
