import test from "ava";
import { confusionMetrics } from "#src/metrics/class-metrics.js";
import { bootstrapMacroF1, multinomialDraws } from "#src/metrics/paired.js";
import { flat, type Rows, randomConfusion } from "../helpers/confusion.js";
import { askScikit, withScikit } from "../helpers/scikit.js";

const sumOf = (counts: ArrayLike<number>) => Array.from(counts).reduce((a, b) => a + b, 0);

/** About as MNIST's test split: 10 classes, some 1,000 images each, most of them right. */
const MNIST_LIKE: Rows = randomConfusion({ classes: 10, most: 40, seed: 3 }).map((row, label) =>
  row.map((images, prediction) => (label === prediction ? 900 + images : Math.floor(images / 2))),
);

test("every draw has as many images as there are, and none in an empty cell", (t) => {
  const counts = [5, 0, 1000, 3, 0, 40_000, 0];
  const draw = multinomialDraws(counts, 7);
  for (let n = 0; n < 200; n++) {
    const drawn = draw();
    t.is(sumOf(drawn), 41_008);
    t.true(
      drawn.every(
        (images, cell) => Number.isInteger(images) && images >= 0 && (counts[cell] > 0 || images === 0),
      ),
    );
  }
});

test("draws have the mean and the variance of a multinomial", (t) => {
  const counts = [2, 30, 500, 0, 4468];
  const draws = 20_000;
  const draw = multinomialDraws(counts, 1);
  const sums = counts.map(() => 0);
  const squares = counts.map(() => 0);
  for (let n = 0; n < draws; n++) {
    for (const [cell, images] of draw().entries()) {
      sums[cell] += images;
      squares[cell] += (images - counts[cell]) ** 2;
    }
  }
  for (const [cell, count] of counts.entries()) {
    // Of n = 5000 images: mean n·p = count, variance n·p·(1 − p).
    const variance = count * (1 - count / 5000);
    const mean = sums[cell] / draws;
    t.true(Math.abs(mean - count) <= 5 * Math.sqrt(variance / draws), `cell ${cell}, mean ${mean}`);
    t.true(
      Math.abs(squares[cell] / draws - variance) <= 0.1 * variance,
      `cell ${cell}, ${squares[cell] / draws}`,
    );
  }
});

test("the same seed gives the same interval, and another seed another", (t) => {
  const interval = (seed: number) => bootstrapMacroF1(flat(MNIST_LIKE), 10, { resamples: 200, seed });
  t.deepEqual(interval(1), interval(1));
  t.notDeepEqual(interval(1), { ...interval(2), seed: 1 });
});

test("the interval holds the macro F1 of the images themselves", (t) => {
  const { macro } = confusionMetrics(flat(MNIST_LIKE), 10).averages;
  const { low, high, resamples, seed } = bootstrapMacroF1(flat(MNIST_LIKE), 10, { resamples: 500, seed: 1 });
  t.deepEqual({ resamples, seed }, { resamples: 500, seed: 1 });
  t.true(low < macro.f1 && macro.f1 < high);
  t.true(high - low < 0.02);
});

test("where every image is right, so is every resample", (t) => {
  const { low, high } = bootstrapMacroF1(Uint32Array.of(3, 0, 0, 9), 2, { resamples: 50, seed: 1 });
  t.deepEqual([low, high], [1, 1]);
});

test("without images nothing is known", (t) => {
  t.deepEqual(bootstrapMacroF1(new Uint32Array(26 * 26), 26, { resamples: 1000, seed: 3 }), {
    low: 0,
    high: 1,
    resamples: 1000,
    seed: 3,
  });
});

withScikit("NumPy's multinomial resamples have the same interval, but for chance", (t) => {
  const cases = [
    MNIST_LIKE,
    randomConfusion({ classes: 3, most: 30, seed: 2 }),
    randomConfusion({ classes: 26, most: 20, seed: 4, unlabelled: [7], unpredicted: [7, 9] }),
    [
      [900_000_000, 100_000],
      [40_000, 1000],
    ],
  ];
  const resamples = 10_000;
  const answers = askScikit<{ readonly low: number; readonly high: number }>(
    "bootstrap",
    cases.map((rows) => ({ rows, resamples, seed: 5 })),
  );
  for (const [n, rows] of cases.entries()) {
    const { low, high } = bootstrapMacroF1(flat(rows), rows.length, { resamples, seed: 5 });
    // An end's standard error is 0.7 % of the width at 10,000 resamples: √(0.025·0.975 ÷ 10⁴) ÷ φ(1.96) ÷ 3.92. Both have it.
    const width = answers[n].high - answers[n].low;
    t.true(Math.abs(low - answers[n].low) < 0.04 * width, `case ${n}: ${low} for ${answers[n].low}`);
    t.true(Math.abs(high - answers[n].high) < 0.04 * width, `case ${n}: ${high} for ${answers[n].high}`);
  }
});
