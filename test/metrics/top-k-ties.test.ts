/** Top-k accuracy where logits are equal: the accuracy for k = 1, scikit-learn's rule for all others. */
import test from "ava";
import { softmax } from "#src/engines/softmax.js";
import { scoreMetrics } from "#src/metrics/score-metrics.js";
import { addScoreSums, placeLabels, scoreContradictionOf, sumScores } from "#src/metrics/score-sums.js";
import { seeded } from "../helpers/random.js";
import { askScikit, withScikit } from "../helpers/scikit.js";

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

test("scikit-learn's own example of ties, but for k = 1, which is the accuracy", (t) => {
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

test("top-2 can be below top-1, and parts still add up and are taken for what they are", (t) => {
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

test("ranks by logits that softmax cannot tell apart", (t) => {
  const sums = sumsOf(Float64Array.of(0, 1e-17, -800, -900), Uint8Array.of(1, 1), 2);
  t.deepEqual(sums.labelRanks, [1, 1]);
});

test("one class alone is always right", (t) => {
  t.deepEqual(sumsOf(Float64Array.of(1, 2), Uint8Array.of(0, 0), 1).labelRanks, [2]);
});

withScikit("scikit-learn gives the same for every k ≥ 2 of random scores with many ties", (t) => {
  const random = seeded(17);
  const cases = [3, 4, 5, 10, 26].map((classes) => {
    const count = 400;
    // Few values, so that nearly every image has ties; whole numbers, which softmax keeps apart.
    const logits = Float64Array.from({ length: count * classes }, () => Math.floor(random() * 4));
    const labels = Uint8Array.from({ length: count }, () => Math.floor(random() * classes));
    return { classes, logits, labels };
  });
  const answers = askScikit<readonly number[]>(
    "top_k",
    cases.map(({ classes, logits, labels }) => ({ classes, scores: [...logits], labels: [...labels] })),
  );
  for (const [n, { classes, logits, labels }] of cases.entries()) {
    const sums = sumsOf(logits, labels, classes);
    t.is(scoreMetrics(sums, 1).topK.correct, rightOf(logits, labels, classes));
    for (let k = 2; k <= classes; k++) {
      t.is(scoreMetrics(sums, k).topK.correct, answers[n][k - 1], `${classes} classes, top ${k}`);
    }
  }
});
