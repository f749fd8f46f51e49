/** Two networks on the same images: agreement, McNemar's test, paired interval, and the bootstrap of macro F1. */

import { randomBinomial, randomLcg } from "d3-random";
import type { Steps } from "#src/base/abort.js";
import type { BootstrapInterval } from "#src/base/contracts/result.js";
import { averagesOf, classMetrics, marginalsOf } from "./class-metrics.js";
import { quantile } from "./durations.js";
import { wilson95 } from "./intervals.js";

/** Images by which network predicted the label: `both`, `onlyA`, `onlyB` or `neither`. */
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

/** labels (images) u8; predictions (images) u16 of each network. All have the same order and are below `classes`. */
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

/**
 * McNemar's exact test: the two-sided p-value of `onlyA` against `onlyB`. Exactly one network is correct on these images.
 * Under the null hypothesis they are tosses of a fair coin: p = min(1, 2·P(X ≤ min)), X ~ Binomial(onlyA + onlyB, ½)
 * (Q. McNemar, Psychometrika 12, 1947). A p-value below 10⁻³⁰⁰ is returned as 0.
 *
 * Each probability is computed from its neighbour, relative to the middle one. Only positive numbers are multiplied and
 * added, and about 20·√n of them are large enough to count. ln Γ would lose digits, because it grows with n.
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
  // The distribution is symmetric. With an even number of tosses the middle occurs once, with the weight 1.
  const whole = tosses % 2 === 0 ? 2 * half - 1 : 2 * half;
  return Math.min(1, (2 * tail) / whole);
}

/**
 * Accuracy of A minus accuracy of B over the same images, with a 95 % interval: [−1, 1] without images.
 * Newcombe's method 10 combines the two Wilson intervals and their correlation φ, corrected for continuity
 * (R. G. Newcombe, Statistics in Medicine 17, 2635–2650, 1998).
 *
 * Float64 is enough. The terms of φ's numerator may exceed 2⁵³, but neither exceeds the root that divides it.
 * So the error of φ is at most 10⁻¹⁵.
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

/** Distances from a proportion to the ends of its Wilson interval. */
function distances(correct: number, images: number): { readonly toLow: number; readonly toHigh: number } {
  const [low, high] = wilson95(correct, images);
  return { toLow: correct / images - low, toHigh: high - correct / images };
}

/**
 * Newcombe's φ. A positive numerator is lowered by half the images, but not below 0.
 * φ is 0 if a network is always correct or always wrong.
 */
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

/** √(x² − 2φxy + y²). The radicand is at least (x − y)² for φ ≤ 1, except for rounding. */
function squareAndAdd(x: number, y: number, phi: number): number {
  return Math.sqrt(Math.max(0, x * x - 2 * phi * x * y + y * y));
}

/**
 * Seeded multinomial draws with replacement. Each call draws as many items as `counts` holds, and returns how many came
 * from each cell. Each cell takes a binomial part of the items left: its count over the counts from this cell on
 * (L. Devroye, Non-Uniform Random Variate Generation, 1986, XI.1.4). So a draw costs time by cells, not by items.
 *
 * @param seed integer from 0, below 2³²
 */
export function multinomialDraws(counts: ArrayLike<number>, seed: number): () => Float64Array {
  const binomial = randomBinomial.source(randomLcg(seed));
  const all = Array.from(counts).reduce((a, b) => a + b, 0);
  return () => {
    const drawn = new Float64Array(counts.length);
    let toDraw = all;
    let held = all;
    for (let cell = 0; toDraw > 0; cell++) {
      // An empty cell takes 0. The last cell that is not empty takes all, because its share is exactly 1.
      drawn[cell] = binomial(toDraw, counts[cell]! / held)();
      toDraw -= drawn[cell]!;
      held -= counts[cell]!;
    }
    return drawn;
  };
}

/**
 * 95 % percentile interval of macro F1 by the bootstrap (B. Efron and R. Tibshirani, An Introduction to the Bootstrap,
 * 1993, chapter 13): 0 to 1 without images. Each resample draws as many images as there are, with replacement.
 * Only an image's cell of the confusion matrix matters. So a resample is one multinomial draw, and one step.
 *
 * @param confusion (classes × classes) counts, row-major; rows are labels, columns predictions
 * @param options `resamples` ≥ 1; `seed`, an integer from 0, below 2³²: the same seed gives the same interval
 */
export function* bootstrapMacroF1(
  confusion: Uint32Array | Float64Array,
  classes: number,
  { resamples, seed }: { readonly resamples: number; readonly seed: number },
): Steps<BootstrapInterval> {
  if (confusion.every((images) => images === 0)) return { low: 0, high: 1, resamples, seed };
  const draw = multinomialDraws(confusion, seed);
  const values = new Float64Array(resamples);
  for (let n = 0; n < resamples; n++) {
    values[n] = macroF1(draw(), classes);
    yield;
  }
  values.sort();
  return { low: quantile(values, 0.025), high: quantile(values, 0.975), resamples, seed };
}

function macroF1(confusion: ArrayLike<number>, classes: number): number {
  const marginals = marginalsOf(confusion, classes);
  return averagesOf(classMetrics(marginals), marginals).macro.f1;
}
