import test from "ava";
import { scoreMetrics } from "#src/metrics/score-metrics.js";
import { emptyScoreSums, sumScores } from "#src/metrics/score-sums.js";
import { askScikit, isNear, type ScikitScores, withScikit } from "../helpers/scikit.js";
import { randomScores, type ScoredImages } from "../helpers/scores.js";

const metricsOf = ({ probabilities, labels, count, classes }: ScoredImages, k: number) =>
  scoreMetrics(sumScores(probabilities, labels, count, classes), k);

test("three images give what is computed by hand", (t) => {
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

test("the calibration error weighs each bin by its images", (t) => {
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

test("nothing evaluated gives zeros, never NaN", (t) => {
  const { reliability, ...rest } = scoreMetrics(emptyScoreSums(3), 2);
  t.deepEqual(rest, {
    logLoss: 0,
    brierScore: 0,
    expectedCalibrationError: 0,
    topK: { k: 2, correct: 0, accuracy: 0 },
  });
  t.true(reliability.every(({ accuracy, meanConfidence }) => accuracy === null && meanConfidence === null));
});

test("of as many as there are classes every label is among the top", (t) => {
  const images = randomScores(200, 10);
  t.is(metricsOf(images, 10).topK.accuracy, 1);
});

withScikit("scikit-learn and NumPy give the same of random probabilities", (t) => {
  const cases = [
    { images: randomScores(1, 3, 1), k: 1 },
    { images: randomScores(500, 2, 2), k: 1 },
    { images: randomScores(500, 3, 3), k: 2 },
    { images: randomScores(2000, 10, 4), k: 5 },
    { images: randomScores(300, 26, 5), k: 3 },
  ];
  const answers = askScikit<ScikitScores>(
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
    const expected = answers[n];
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
      const [expectedTotal, expectedAccuracy, expectedConfidence] = expected.reliability[b];
      t.is(total, expectedTotal, `${name}, bin ${b}`);
      isNear(t, accuracy, expectedAccuracy, `${name}, bin ${b}, accuracy`);
      isNear(t, meanConfidence, expectedConfidence, `${name}, bin ${b}, confidence`);
    }
  }
});
