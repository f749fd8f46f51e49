/** Comparisons worked out by hand. */
import test from "ava";
import { answeredByBoth, emptyAnswers, summarizeComparison } from "#src/evaluate/compare/summary.js";
import { pairedInterval95 } from "#src/metrics/paired.js";

/** [label, A's prediction, B's prediction] of each image. */
function answersOf(rows: readonly (readonly [label: number, a: number, b: number])[]) {
  const answers = emptyAnswers(rows.length);
  for (const [n, [label, a, b]] of rows.entries()) {
    answers.labels[n] = label;
    answers.predictions[0][n] = a;
    answers.predictions[1][n] = b;
  }
  return answers;
}

const ROWS = [
  [0, 0, 0],
  [1, 1, 1],
  [2, 2, 0],
  [2, 2, 1],
  [1, 1, 0],
  [0, 0, 2],
  [0, 1, 0],
  [2, 0, 1],
  [1, 2, 2],
  [0, 0, 0],
] as const;

test("counts who is right, where they agree, and which images only one gets right", (t) => {
  const result = summarizeComparison(answersOf(ROWS), 3, 100);
  t.true(result.complete);
  t.is(result.total, 10);
  t.deepEqual(result.right, { both: 3, onlyA: 4, onlyB: 1, neither: 2 });
  t.is(result.a.correct, 7);
  t.is(result.b.correct, 4);
  t.is(result.a.accuracy, 0.7);
  t.is(result.agreed, 4);
  t.deepEqual(result.agreementMatrix, [
    [2, 1, 1],
    [2, 1, 0],
    [1, 1, 1],
  ]);
  t.deepEqual(result.onlyARight, [102, 103, 104, 105]);
  t.deepEqual(result.onlyBRight, [106]);
});

test("McNemar's exact p is twice the binomial tail, and the interval is of the paired difference", (t) => {
  const { mcnemarPValue, difference, right } = summarizeComparison(answersOf(ROWS), 3, 0);
  // Four and one of five tosses: 2 · (C(5,0) + C(5,1)) ÷ 2⁵ = 12 ÷ 32.
  t.true(Math.abs(mcnemarPValue - 0.375) < 1e-12);
  const { low, high } = pairedInterval95(right);
  t.is(difference.accuracy, 0.3);
  t.deepEqual(difference.confidenceInterval95, [low, high]);
});

test("a network beside itself differs in nothing", (t) => {
  const { mcnemarPValue, difference, agreed, onlyARight, onlyBRight } = summarizeComparison(
    answersOf(ROWS.map(([label, a]) => [label, a, a])),
    3,
    0,
  );
  t.is(mcnemarPValue, 1);
  t.is(difference.accuracy, 0);
  t.is(agreed, 10);
  t.deepEqual([...onlyARight, ...onlyBRight], []);
});

test("images that one has not answered are left out, and the comparison is partial", (t) => {
  const answers = answersOf(ROWS);
  answers.predictions[0][2] = emptyAnswers(1).predictions[0][0];
  answers.predictions[1][9] = emptyAnswers(1).predictions[1][0];
  t.deepEqual([...answeredByBoth(answers).places], [0, 1, 3, 4, 5, 6, 7, 8]);
  const result = summarizeComparison(answers, 3, 0);
  t.false(result.complete);
  t.is(result.total, 8);
  t.deepEqual(result.onlyARight, [3, 4, 5]);
});

test("a comparison of nothing is no error", (t) => {
  const result = summarizeComparison(emptyAnswers(3), 3, 0);
  t.is(result.total, 0);
  t.is(result.a.accuracy, 0);
  t.deepEqual(result.b.confidenceInterval95, [0, 1]);
  t.is(result.mcnemarPValue, 1);
});
