import { randomBinomial, randomLcg } from "d3-random";
import type { BootstrapInterval } from "#src/base/contracts/result.js";
import { averagesOf, classMetrics, marginalsOf } from "./class-metrics.js";
import { quantile, wilson95 } from "./intervals.js";

/** Two networks on the same images: where they agree, and which of them is right. */

/** Images by who predicted the label. */
export interface PairedCounts {
  readonly both: number;
  readonly onlyA: number;
  readonly onlyB: number;
  readonly neither: number;
}

export interface Agreement extends PairedCounts {
  /** (classes × classes) counts, row-major; rows are A's predictions, columns B's. */
  readonly matrix: Uint32Array;
}

/** labels (images) u8; predictions (images) u16 of each network, in the same order, each below `classes`. */
export function agreementOf(
  labels: Uint8Array,
  predictionsA: Uint16Array,
  predictionsB: Uint16Array,
  classes: number,
): Agreement {
  const matrix = new Uint32Array(classes * classes);
  let both = 0;
  let onlyA = 0;
  let onlyB = 0;
  for (let image = 0; image < labels.length; image++) {
    const a = predictionsA[image]!;
    const b = predictionsB[image]!;
    matrix[a * classes + b]!++;
    if (a === labels[image] && b === labels[image]) both++;
    else if (a === labels[image]) onlyA++;
    else if (b === labels[image]) onlyB++;
  }
  return { matrix, both, onlyA, onlyB, neither: labels.length - both - onlyA - onlyB };
}

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

// How sure the difference of two accuracies over the same images is.

/**
 * A's accuracy minus B's, and its interval at 95 %: the Wilson intervals of both, squared and added, less what the
 * correlation φ of the two takes away, which is corrected for continuity (R. G. Newcombe, Statistics in Medicine 17,
 * 2635–2650, 1998, method 10). [−1, 1] where there are no images.
 *
 * In float64: the terms of φ's numerator may pass 2⁵³, yet neither exceeds the root that it is divided by, so that φ is
 * wrong by 10⁻¹⁵ at most.
 */
export function pairedInterval95({ both, onlyA, onlyB, neither }: PairedCounts): {
  readonly difference: number;
  readonly low: number;
  readonly high: number;
} {
  const images = both + onlyA + onlyB + neither;
  if (images === 0) return { difference: 0, low: -1, high: 1 };
  const a = distances(both + onlyA, images);
  const b = distances(both + onlyB, images);
  const phi = correlation({ both, onlyA, onlyB, neither });
  const difference = (onlyA - onlyB) / images;
  return {
    difference,
    low: Math.max(-1, difference - squareAndAdd(a.toLow, b.toHigh, phi)),
    high: Math.min(1, difference + squareAndAdd(a.toHigh, b.toLow, phi)),
  };
}

/** From a proportion to the ends of its Wilson interval. */
function distances(correct: number, images: number): { readonly toLow: number; readonly toHigh: number } {
  const [low, high] = wilson95(correct, images);
  return { toLow: correct / images - low, toHigh: high - correct / images };
}

/** Newcombe's φ: a positive numerator is lowered by half the images, at most to 0; 0 where a network has one answer. */
function correlation({ both, onlyA, onlyB, neither }: PairedCounts): number {
  const rightA = both + onlyA;
  const wrongA = onlyB + neither;
  const rightB = both + onlyB;
  const wrongB = onlyA + neither;
  const root = Math.sqrt(rightA * wrongA) * Math.sqrt(rightB * wrongB);
  if (root === 0) return 0;
  const excess = both * neither - onlyA * onlyB;
  const corrected = excess > 0 ? Math.max(0, excess - (rightA + wrongA) / 2) : excess;
  return corrected / root;
}

/** √(x² − 2φxy + y²); with φ up to 1 this is at least (x − y)², but for rounding. */
function squareAndAdd(x: number, y: number, phi: number): number {
  return Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y));
}

// Seeded draws with replacement from things that are counted by cell.

/**
 * Each call draws as many as `counts` holds and answers how many came from each cell. Cell by cell: of those still to be
 * drawn, a cell takes a binomial share, with its part of what it and the cells after it hold (L. Devroye, Non-Uniform
 * Random Variate Generation, 1986, XI.1.4), so that a draw's cost goes by the cells, not by what they count. `seed` is an
 * integer from 0 below 2³².
 */
export function multinomialDraws(counts: ArrayLike<number>, seed: number): () => Float64Array {
  const binomial = randomBinomial.source(randomLcg(seed));
  const all = Array.from(counts).reduce((a, b) => a + b, 0);
  return () => {
    const drawn = new Float64Array(counts.length);
    let toDraw = all;
    let held = all;
    for (let cell = 0; toDraw > 0; cell++) {
      // An empty cell takes 0, and the last that is not empty all, its share being exactly 1.
      drawn[cell] = binomial(toDraw, counts[cell]! / held)();
      toDraw -= drawn[cell]!;
      held -= counts[cell]!;
    }
    return drawn;
  };
}

// How sure macro F1 is: a bootstrap over the images, drawn from the confusion matrix.

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
