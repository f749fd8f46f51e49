/** Metrics of probabilities, top-k with ties, and the order of classes, held against scikit-learn. */
import test from "ava";
import { softmax } from "#src/engines/logits.js";
import { classRanker, scoreMetrics } from "#src/metrics/score-metrics.js";
import {
  addScoreSums,
  emptyScoreSums,
  placeLabels,
  scoreContradictionOf,
  sumScores,
} from "#src/metrics/score-sums.js";
import { inCase } from "../helpers/in-case.js";
import { seeded } from "../helpers/random.js";
import { askScikit, isNear, type ScikitScores, withScikit } from "../helpers/scikit.js";
import { randomScores, type ScoredImages } from "../helpers/scores.js";

const metricsOf = ({ probabilities, labels, count, classes }: ScoredImages, k: number) =>
  scoreMetrics(sumScores(probabilities, labels, count, classes), k);

test("a few images give what is computed by hand", async (t) => {
  await inCase(t, "three images give what is computed by hand", () => {
    const metrics = metricsOf(
      {
        // Right with ½, wrong with ½ (the label third), right with 1.
        probabilities: Float64Array.of(0.5, 0.25, 0.25, 0.125, 0.5, 0.375, 0, 0, 1),
        labels: Uint8Array.of(0, 0, 2),
        count: 3,
        classes: 3,
      },
      2,
    );
    // −ln ½ − ln ⅛ − ln 1 = 4·ln 2.
    isNear(t, metrics.logLoss, (4 * Math.LN2) / 3, "log loss");
    // (½² + ¼² + ¼²) + (⅞² + ½² + ⅜²) + 0 = 0.375 + 1.15625.
    t.is(metrics.brierScore, (0.375 + 1.15625) / 3);
    // The bin of ½ has two images, one right: |½ − ½| = 0; that of 1 has |1 − 1| = 0.
    t.is(metrics.expectedCalibrationError, 0);
    t.deepEqual(metrics.reliability[7], {
      from: 7 / 15,
      to: 8 / 15,
      total: 2,
      accuracy: 0.5,
      meanConfidence: 0.5,
    });
    t.deepEqual(metrics.reliability[14], { from: 14 / 15, to: 1, total: 1, accuracy: 1, meanConfidence: 1 });
    t.deepEqual(metrics.reliability[0], {
      from: 0,
      to: 1 / 15,
      total: 0,
      accuracy: null,
      meanConfidence: null,
    });
    t.deepEqual(metrics.topK, { k: 2, correct: 2, accuracy: 2 / 3 });
  });

  await inCase(t, "the calibration error weighs each bin by its images", () => {
    // One bin with two wrong of ½: 2·|0 − ½|; another with one right of ¾: 1·|1 − ¾|.
    const metrics = metricsOf(
      {
        probabilities: Float64Array.of(0.5, 0.5, 0.5, 0.5, 0.25, 0.75),
        labels: Uint8Array.of(1, 1, 1),
        count: 3,
        classes: 2,
      },
      1,
    );
    t.is(metrics.expectedCalibrationError, (2 * 0.5 + 0.25) / 3);
  });

  await inCase(t, "nothing evaluated gives zeros, never NaN", () => {
    const { reliability, ...rest } = scoreMetrics(emptyScoreSums(3), 2);
    t.deepEqual(rest, {
      logLoss: 0,
      brierScore: 0,
      expectedCalibrationError: 0,
      topK: { k: 2, correct: 0, accuracy: 0 },
    });
    t.true(reliability.every(({ accuracy, meanConfidence }) => accuracy === null && meanConfidence === null));
  });

  await inCase(t, "of as many as there are classes every label is among the top", () => {
    const images = randomScores(200, 10);
    t.is(metricsOf(images, 10).topK.accuracy, 1);
  });
});

withScikit("scikit-learn and NumPy give the same of random probabilities", async (t) => {
  const cases = [
    { images: randomScores(1, 3, 1), k: 1 },
    { images: randomScores(500, 2, 2), k: 1 },
    { images: randomScores(500, 3, 3), k: 2 },
    { images: randomScores(2000, 10, 4), k: 5 },
    { images: randomScores(300, 26, 5), k: 3 },
  ];
  const answers = await askScikit<ScikitScores>(
    "scores",
    cases.map(({ images, k }) => ({
      ...images,
      k,
      probabilities: [...images.probabilities],
      labels: [...images.labels],
    })),
  );
  for (const [n, { images, k }] of cases.entries()) {
    const found = metricsOf(images, k);
    const expected = answers[n]!;
    const name = `${images.count} images of ${images.classes} classes`;
    isNear(t, found.logLoss, expected.logLoss, `${name}, log loss`);
    isNear(t, found.brierScore, expected.brierScore, `${name}, Brier score`);
    isNear(
      t,
      found.expectedCalibrationError,
      expected.expectedCalibrationError,
      `${name}, calibration error`,
    );
    isNear(t, found.topK.accuracy, expected.topK, `${name}, top ${k}`);
    for (const [b, { total, accuracy, meanConfidence }] of found.reliability.entries()) {
      const [expectedTotal, expectedAccuracy, expectedConfidence] = expected.reliability[b]!;
      t.is(total, expectedTotal, `${name}, bin ${b}`);
      isNear(t, accuracy, expectedAccuracy, `${name}, bin ${b}, accuracy`);
      isNear(t, meanConfidence, expectedConfidence, `${name}, bin ${b}, confidence`);
    }
  }
});

// Top-k accuracy where logits are equal: the accuracy for k = 1, scikit-learn's rule for all others.

function sumsOf(logits: Float64Array, labels: Uint8Array, classes: number) {
  const count = labels.length;
  const probabilities = new Float64Array(logits.length);
  for (let start = 0; start < logits.length; start += classes) {
    probabilities.set(softmax(logits.subarray(start, start + classes)), start);
  }
  return sumScores(probabilities, labels, count, classes, placeLabels(logits, labels, count, classes));
}

/** As NumPy's: the first of the largest. */
function rightOf(logits: Float64Array, labels: Uint8Array, classes: number): number {
  return labels.reduce((sum, label, image) => {
    const row = logits.subarray(image * classes, (image + 1) * classes);
    return sum + (row.indexOf(Math.max(...row)) === label ? 1 : 0);
  }, 0);
}

test("of tied scores the first is predicted, and the last comes first for all other ranks", async (t) => {
  await inCase(t, "scikit-learn's own example of ties, but for k = 1, which is the accuracy", () => {
    // sklearn/metrics/tests/test_ranking.py, test_top_k_accuracy_score_ties: 0.25, 0.5, 1.
    const logits = Float64Array.of(5, 5, 7, 0, 1, 5, 5, 5, 0, 0, 3, 3, 1, 1, 1, 1);
    const labels = Uint8Array.of(0, 1, 2, 3);
    const sums = sumsOf(logits, labels, 4);
    t.deepEqual(
      [1, 2, 3, 4].map((k) => scoreMetrics(sums, k).topK.accuracy),
      [0.5, 0.5, 1, 1],
    );
    t.is(scoreContradictionOf(sums, { total: 4, correct: 2 }, 4), undefined);
  });

  await inCase(t, "top-2 can be below top-1, and parts still add up and are taken for what they are", () => {
    const logits = new Float64Array(3 * 5).fill(1);
    const sums = sumsOf(logits, new Uint8Array(5), 3);
    // Each image is right, its label being the lowest class, and third by scikit-learn's rule.
    t.deepEqual(sums.labelRanks, [5, -5, 5]);
    t.deepEqual(
      [1, 2, 3].map((k) => scoreMetrics(addScoreSums(sums, sums), k).topK.correct),
      [10, 0, 10],
    );
    t.is(scoreContradictionOf(sums, { total: 5, correct: 5 }, 3), undefined);
    t.regex(
      scoreContradictionOf({ ...sums, labelRanks: [5, -6, 6] }, { total: 5, correct: 5 }, 3) ?? "",
      /no fewer than 0/,
    );
    t.regex(
      scoreContradictionOf({ ...sums, labelRanks: [5, 1, -1] }, { total: 5, correct: 5 }, 3) ?? "",
      /no fewer than 0/,
    );
    t.regex(scoreContradictionOf(sums, { total: 5, correct: 4 }, 3) ?? "", /expected 4 images first/);
  });

  await inCase(t, "ranks by logits that softmax cannot tell apart", () => {
    const sums = sumsOf(Float64Array.of(0, 1e-17, -800, -900), Uint8Array.of(1, 1), 2);
    t.deepEqual(sums.labelRanks, [1, 1]);
  });

  await inCase(t, "one class alone is always right", () => {
    t.deepEqual(sumsOf(Float64Array.of(1, 2), Uint8Array.of(0, 0), 1).labelRanks, [2]);
  });
});

withScikit("scikit-learn gives the same for every k ≥ 2 of random scores with many ties", async (t) => {
  const random = seeded(17);
  const cases = [3, 4, 5, 10, 26].map((classes) => {
    const count = 400;
    // Few values, so that nearly every image has ties; whole numbers, which softmax keeps apart.
    const logits = Float64Array.from({ length: count * classes }, () => Math.floor(random() * 4));
    const labels = Uint8Array.from({ length: count }, () => Math.floor(random() * classes));
    return { classes, logits, labels };
  });
  const answers = await askScikit<readonly number[]>(
    "top_k",
    cases.map(({ classes, logits, labels }) => ({ classes, scores: [...logits], labels: [...labels] })),
  );
  for (const [n, { classes, logits, labels }] of cases.entries()) {
    const sums = sumsOf(logits, labels, classes);
    t.is(scoreMetrics(sums, 1).topK.correct, rightOf(logits, labels, classes));
    for (let k = 2; k <= classes; k++) {
      t.is(scoreMetrics(sums, k).topK.correct, answers[n]![k - 1]!, `${classes} classes, top ${k}`);
    }
  }
});

// The order of classes by logits, against a sort that is stable by the language's own definition.

test("ranks any number of classes as a stable sort does, with ties and infinities", (t) => {
  const random = seeded(3);
  for (const classes of [1, 2, 3, 10, 15, 16, 17, 31, 32, 33, 64, 65, 100, 257, 1000]) {
    const rank = classRanker(classes);
    const images = 20;
    const logits = Float64Array.from({ length: images * classes }, () => {
      const value = Math.floor(random() * classes);
      return value === 0 ? Number.NEGATIVE_INFINITY : value === 1 ? Number.POSITIVE_INFINITY : value;
    });
    const ranking = new Uint16Array(images * classes);
    for (let image = 0; image < images; image++) rank(logits, ranking, image * classes);
    for (let image = 0; image < images; image++) {
      const row = logits.subarray(image * classes, (image + 1) * classes);
      const expected = Array.from(row.keys()).sort((a, b) =>
        row[a] === row[b] ? 0 : row[b]! > row[a]! ? 1 : -1,
      );
      t.deepEqual(
        [...ranking.subarray(image * classes, (image + 1) * classes)],
        expected,
        `${classes} classes`,
      );
    }
  }
});
