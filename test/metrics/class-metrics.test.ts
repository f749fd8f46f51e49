/** Metrics of each class and their means, and the bootstrap of macro F1, held against scikit-learn and NumPy. */
import test from "ava";
import { finished } from "#src/base/abort.js";
import type { ClassAverages } from "#src/base/contracts/metrics.js";
import { confusionMetrics } from "#src/metrics/class-metrics.js";
import { bootstrapMacroF1, multinomialDraws } from "#src/metrics/paired.js";
import { flat, type Rows, randomConfusion } from "../helpers/confusion.js";
import { inCase } from "../helpers/in-case.js";
import { askScikit, isNear, type ScikitConfusion, withScikit } from "../helpers/scikit.js";

const bootstrap = (...given: Parameters<typeof bootstrapMacroF1>) => finished(bootstrapMacroF1(...given));
const metricsOf = (rows: Rows) => confusionMetrics(flat(rows), rows.length);

test("a few matrices give what is computed by hand", async (t) => {
  await inCase(t, "three classes give what is computed by hand", () => {
    // 10 images: 4, 3 and 3 of each label; predicted as 3, 5 and 2; right are 3 + 2 + 1 = 6.
    const metrics = metricsOf([
      [3, 1, 0],
      [0, 2, 1],
      [0, 2, 1],
    ]);
    t.deepEqual(metrics.perClass, [
      // 3 of 3 predicted, 3 of 4 labelled, 2·3 ÷ (4 + 3).
      { label: 0, support: 4, predicted: 3, precision: 1, recall: 3 / 4, f1: 6 / 7 },
      { label: 1, support: 3, predicted: 5, precision: 2 / 5, recall: 2 / 3, f1: 4 / 8 },
      { label: 2, support: 3, predicted: 2, precision: 1 / 2, recall: 1 / 3, f1: 2 / 5 },
    ]);
    const { macro, micro, weighted } = metrics.averages;
    isNear(t, macro.precision, (1 + 0.4 + 0.5) / 3, "macro precision");
    isNear(t, macro.recall, (3 / 4 + 2 / 3 + 1 / 3) / 3, "macro recall");
    isNear(t, macro.f1, (6 / 7 + 1 / 2 + 2 / 5) / 3, "macro F1");
    t.deepEqual(micro, { precision: 0.6, recall: 0.6, f1: 0.6 });
    isNear(t, weighted.precision, (4 * 1 + 3 * 0.4 + 3 * 0.5) / 10, "weighted precision");
    isNear(t, weighted.recall, (3 + 2 + 1) / 10, "weighted recall");
    isNear(t, weighted.f1, (4 * (6 / 7) + 3 * 0.5 + 3 * 0.4) / 10, "weighted F1");
    isNear(t, metrics.balancedAccuracy, (3 / 4 + 2 / 3 + 1 / 3) / 3, "balanced accuracy");
    // c·n − Σ t·p = 60 − (12 + 15 + 6) = 27; n² − Σ t·p = 67; n² − Σ t² = 100 − 34; n² − Σ p² = 100 − 38.
    isNear(t, metrics.cohensKappa, 27 / 67, "kappa");
    isNear(t, metrics.matthewsCorrelation, 27 / Math.sqrt(66 * 62), "Matthews' correlation");
  });

  await inCase(
    t,
    "divisions by zero are null in a class and 0 in the means, which are over the classes that occur",
    () => {
      // Class 1 is never predicted, class 2 never a label, class 3 neither.
      const { perClass, averages, balancedAccuracy } = metricsOf([
        [2, 0, 1, 0],
        [1, 0, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 0, 0],
      ]);
      t.deepEqual(
        perClass.map(({ precision, recall, f1 }) => [precision, recall, f1]),
        [
          [2 / 3, 2 / 3, 4 / 6],
          [null, 0, 0],
          [0, null, 0],
          [null, null, null],
        ],
      );
      isNear(t, averages.macro.precision, (2 / 3 + 0 + 0) / 3, "macro precision");
      isNear(t, averages.macro.f1, (2 / 3 + 0 + 0) / 3, "macro F1");
      isNear(t, averages.weighted.recall, (3 * (2 / 3) + 1 * 0) / 4, "weighted recall");
      isNear(t, balancedAccuracy, (2 / 3 + 0) / 2, "balanced accuracy");
    },
  );

  await inCase(t, "no images give zeros and nulls, never NaN", () => {
    const { perClass, ...rest } = metricsOf([
      [0, 0],
      [0, 0],
    ]);
    const zeros = { precision: 0, recall: 0, f1: 0 };
    t.deepEqual(rest, {
      averages: { macro: zeros, micro: zeros, weighted: zeros },
      balancedAccuracy: null,
      cohensKappa: null,
      matthewsCorrelation: 0,
    });
    t.deepEqual(
      perClass.map(({ f1 }) => f1),
      [null, null],
    );
  });

  await inCase(t, "kappa is null and Matthews' correlation 0 where everything is of one class", () => {
    const { cohensKappa, matthewsCorrelation } = metricsOf([
      [0, 0],
      [0, 7],
    ]);
    t.is(cohensKappa, null);
    t.is(matthewsCorrelation, 0);
  });

  await inCase(t, "counts of billions lose no digit of kappa and of Matthews' correlation", () => {
    // For two classes with equal marginals both are (ad − bc) ÷ (product of the marginals a + b and b + d), and n² ≈ 1.6·10¹⁹.
    const { cohensKappa, matthewsCorrelation } = metricsOf([
      [4e9, 1],
      [1, 2],
    ]);
    const expected = (4e9 * 2 - 1 * 1) / ((4e9 + 1) * 3);
    t.true(Math.abs((cohensKappa ?? 0) - expected) < 1e-15, String(cohensKappa));
    t.true(Math.abs(matthewsCorrelation - expected) < 1e-15, String(matthewsCorrelation));
  });
});

const MATRICES: Record<string, Rows> = {
  "2 classes": randomConfusion({ classes: 2 }),
  "3 classes": randomConfusion({ classes: 3, seed: 2 }),
  "10 classes": randomConfusion({ classes: 10, most: 1000, seed: 3 }),
  "26 classes": randomConfusion({ classes: 26, seed: 4 }),
  "100 classes, mostly empty cells": randomConfusion({ classes: 100, most: 3, seed: 5 }),
  "classes without images": randomConfusion({ classes: 10, seed: 6, unlabelled: [0, 4] }),
  "classes never predicted": randomConfusion({ classes: 10, seed: 7, unpredicted: [9, 3] }),
  "classes that do not occur": randomConfusion({
    classes: 12,
    seed: 8,
    unlabelled: [5, 11],
    unpredicted: [5, 11],
  }),
  "everything wrong": [
    [0, 3, 4],
    [5, 0, 1],
    [2, 2, 0],
  ],
  "one label, another prediction": [
    [0, 6],
    [0, 0],
  ],
  "one class alone": [
    [5, 0],
    [0, 0],
  ],
  "one image": [
    [0, 0],
    [1, 0],
  ],
};

withScikit(
  "scikit-learn gives the same of matrices of many sizes, with empty classes and without",
  async (t) => {
    const answers = await askScikit<ScikitConfusion>("confusion", Object.values(MATRICES));
    for (const [index, [name, rows]] of Object.entries(MATRICES).entries()) {
      const found = metricsOf(rows);
      const expected = answers[index]!;
      for (const { label, support, precision, recall, f1 } of found.perClass) {
        const at = `${name}, class ${label}`;
        t.is(support, expected.support[label]!, at);
        isNear(t, precision ?? 0, expected.precision[label]!, `${at}, precision`);
        isNear(t, recall ?? 0, expected.recall[label]!, `${at}, recall`);
        isNear(t, f1 ?? 0, expected.f1[label]!, `${at}, F1`);
      }
      for (const kind of ["macro", "micro", "weighted"] as const) {
        const averages: ClassAverages = found.averages[kind];
        for (const [n, measure] of (["precision", "recall", "f1"] as const).entries()) {
          isNear(t, averages[measure], expected.averages[kind][n]!, `${name}, ${kind} ${measure}`);
        }
      }
      isNear(t, found.balancedAccuracy, expected.balancedAccuracy, `${name}, balanced accuracy`);
      isNear(t, found.cohensKappa, expected.cohensKappa, `${name}, kappa`);
      isNear(t, found.matthewsCorrelation, expected.matthewsCorrelation, `${name}, Matthews' correlation`);
    }
  },
);

withScikit(
  "exact arithmetic gives the same of hundreds of millions of images, nearly all of one class",
  async (t) => {
    const matrices: readonly Rows[] = [
      [
        [400_000_000, 90, 10],
        [70, 20, 30],
        [5, 25, 65],
      ],
      [
        [4_294_967_295, 3, 0],
        [2, 0, 4],
        [9, 1, 1],
      ],
      randomConfusion({ classes: 26, most: 2 ** 32 - 1, seed: 9 }),
    ];
    const answers = await askScikit<Pick<ScikitConfusion, "cohensKappa" | "matthewsCorrelation">>(
      "exact_confusion",
      matrices,
    );
    for (const [n, rows] of matrices.entries()) {
      const found = metricsOf(rows);
      isNear(t, found.cohensKappa, answers[n]!.cohensKappa, `matrix ${n}, kappa`);
      isNear(
        t,
        found.matthewsCorrelation,
        answers[n]!.matthewsCorrelation,
        `matrix ${n}, Matthews' correlation`,
      );
    }
  },
);

const sumOf = (counts: ArrayLike<number>) => Array.from(counts).reduce((a, b) => a + b, 0);

/** About as MNIST's test split: 10 classes, some 1,000 images each, most of them right. */
const MNIST_LIKE: Rows = randomConfusion({ classes: 10, most: 40, seed: 3 }).map((row, label) =>
  row.map((images, prediction) => (label === prediction ? 900 + images : Math.floor(images / 2))),
);

test("draws of a multinomial have its sum, its mean and its variance", async (t) => {
  await inCase(t, "every draw has as many images as there are, and none in an empty cell", () => {
    const counts = [5, 0, 1000, 3, 0, 40_000, 0];
    const draw = multinomialDraws(counts, 7);
    for (let n = 0; n < 200; n++) {
      const drawn = draw();
      t.is(sumOf(drawn), 41_008);
      t.true(
        drawn.every(
          (images, cell) => Number.isInteger(images) && images >= 0 && (counts[cell]! > 0 || images === 0),
        ),
      );
    }
  });

  await inCase(t, "draws have the mean and the variance of a multinomial", () => {
    const counts = [2, 30, 500, 0, 4468];
    const draws = 20_000;
    const draw = multinomialDraws(counts, 1);
    const sums = counts.map(() => 0);
    const squares = counts.map(() => 0);
    for (let n = 0; n < draws; n++) {
      for (const [cell, images] of draw().entries()) {
        sums[cell]! += images;
        squares[cell]! += (images - counts[cell]!) ** 2;
      }
    }
    for (const [cell, count] of counts.entries()) {
      // Of n = 5000 images: mean n·p = count, variance n·p·(1 − p).
      const variance = count * (1 - count / 5000);
      const mean = sums[cell]! / draws;
      t.true(Math.abs(mean - count) <= 5 * Math.sqrt(variance / draws), `cell ${cell}, mean ${mean}`);
      t.true(
        Math.abs(squares[cell]! / draws - variance) <= 0.1 * variance,
        `cell ${cell}, ${squares[cell]! / draws}`,
      );
    }
  });
});

test("the bootstrap's interval comes from its seed, and holds the macro F1 of the images", async (t) => {
  await inCase(t, "the same seed gives the same interval, and another seed another", () => {
    const interval = (seed: number) => bootstrap(flat(MNIST_LIKE), 10, { resamples: 200, seed });
    t.deepEqual(interval(1), interval(1));
    t.notDeepEqual(interval(1), { ...interval(2), seed: 1 });
  });

  await inCase(t, "the interval holds the macro F1 of the images themselves", () => {
    const { macro } = confusionMetrics(flat(MNIST_LIKE), 10).averages;
    const { low, high, resamples, seed } = bootstrap(flat(MNIST_LIKE), 10, {
      resamples: 500,
      seed: 1,
    });
    t.deepEqual({ resamples, seed }, { resamples: 500, seed: 1 });
    t.true(low < macro.f1 && macro.f1 < high);
    t.true(high - low < 0.02);
  });

  await inCase(t, "where every image is right, so is every resample", () => {
    const { low, high } = bootstrap(Uint32Array.of(3, 0, 0, 9), 2, { resamples: 50, seed: 1 });
    t.deepEqual([low, high], [1, 1]);
  });

  await inCase(t, "without images nothing is known", () => {
    const asked = { resamples: 1000, seed: 3 };
    t.deepEqual(bootstrap(new Uint32Array(26 * 26), 26, asked), { low: 0, high: 1, ...asked });
  });
});

withScikit("NumPy's multinomial resamples have the same interval, but for chance", async (t) => {
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
  const answers = await askScikit<{ readonly low: number; readonly high: number }>(
    "bootstrap",
    cases.map((rows) => ({ rows, resamples, seed: 5 })),
  );
  for (const [n, rows] of cases.entries()) {
    const { low, high } = bootstrap(flat(rows), rows.length, { resamples, seed: 5 });
    // An end's standard error is 0.7 % of the width at 10,000 resamples: √(0.025·0.975 ÷ 10⁴) ÷ φ(1.96) ÷ 3.92. Both have it.
    const expected = answers[n]!;
    const width = expected.high - expected.low;
    t.true(Math.abs(low - expected.low) < 0.04 * width, `case ${n}: ${low} for ${expected.low}`);
    t.true(Math.abs(high - expected.high) < 0.04 * width, `case ${n}: ${high} for ${expected.high}`);
  }
});
