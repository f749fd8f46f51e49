import test from "ava";
import type { PartialCounts } from "../../src/contracts/partial.js";
import { partialOf, scoreSumsOf, serialiseScores } from "../../src/metrics/partial-counts.js";
import { addPartials, contradictionOf, emptyPartial } from "../../src/metrics/partial-sums.js";
import { sumScores } from "../../src/metrics/score-sums.js";

const CLASSES = 3;

/** Image k has label k mod 3 and is predicted as class (k ÷ 2) mod 3. */
function countsOf(offset: number, limit: number): PartialCounts {
  const confusion = new Uint32Array(CLASSES * CLASSES);
  const images = Array.from({ length: limit }, (_, n) => offset + n);
  const rows = images.flatMap((k) => [(k % 7) / 10, (k % 3) / 10, 1 - (k % 7) / 10 - (k % 3) / 10]);
  let correct = 0;
  for (const k of images) {
    const [label, prediction] = [k % 3, Math.floor(k / 2) % 3];
    confusion[label * CLASSES + prediction]++;
    if (label === prediction) correct++;
  }
  const labels = Uint8Array.from(images, (k) => k % 3);
  const scores = sumScores(Float64Array.from(rows), labels, limit, CLASSES);
  return partialOf(
    { correct, total: limit, confusion },
    { offset, limit },
    { scores, recomputed: limit % 5 },
  );
}

test("parts add to the same whole in any order, also after JSON", (t) => {
  const whole = { ...countsOf(10, 90), recomputed: 0 };
  const parts = [countsOf(10, 33), countsOf(43, 1), countsOf(44, 56)].map((part) => ({
    ...part,
    recomputed: 0,
  }));
  const [a, b, c] = parts.map((part): PartialCounts => JSON.parse(JSON.stringify(part)));
  t.deepEqual(addPartials(addPartials(a, b), c), whole);
  t.deepEqual(addPartials(c, addPartials(b, a)), whole);
  t.deepEqual(addPartials(emptyPartial(10, CLASSES, true), whole), whole);
});

test("sums of scores survive their digits, also above what a double holds", (t) => {
  const sums = { ...scoreSumsOf(countsOf(0, 5).scores ?? t.fail()), logLoss: 2n ** 70n + 1n };
  t.deepEqual(scoreSumsOf(serialiseScores(sums)), sums);
});

test("a count that was changed contradicts the others", (t) => {
  const counts = countsOf(0, 20);
  t.is(contradictionOf(counts, CLASSES), undefined);
  t.regex(contradictionOf({ ...counts, total: 19 }, CLASSES) ?? "", /expected 20 images counted, found 19/);
  t.regex(contradictionOf({ ...counts, correct: 1 }, CLASSES) ?? "", /diagonal/);
  t.regex(contradictionOf(counts, 4) ?? "", /4 × 4/);
  const [first, ...others] = counts.confusionMatrix;
  const changed = [[first[0], first[1] + 1, first[2]], ...others];
  t.regex(contradictionOf({ ...counts, confusionMatrix: changed }, CLASSES) ?? "", /found 21/);
});

test("a sum of scores that was changed contradicts the others", (t) => {
  const counts = countsOf(0, 20);
  const { scores } = counts;
  if (scores === null) return t.fail();
  const [first, ...others] = scores.labelRanks;
  const bin = scores.bins.findIndex(({ total }) => total > 0);
  const withBin = (changed: object) => ({
    bins: scores.bins.map((old, n) => (n === bin ? { ...old, ...changed } : old)),
  });
  for (const [changed, words] of [
    [{ labelRanks: [20, 1, 0] }, /20 images in the ranks of labels, found 21/],
    [{ labelRanks: scores.labelRanks.slice(1) }, /3 ranks of labels, found 2/],
    [{ labelRanks: [first + 1, others[0] - 1, others[1]] }, /right images in the bins/],
    [{ bins: scores.bins.slice(1) }, /15 bins, found 14/],
    [withBin({ total: 21 }), /images in the bins/],
    [withBin({ confidence: String(20n * 2n ** 32n + 1n) }), /shares are 1 at most/],
    [{ logLoss: String(20n * 37n * 2n ** 32n) }, /losses/],
    [{ brier: String(20n * 2n * 2n ** 32n + 1n) }, /losses/],
  ] as const) {
    t.regex(contradictionOf({ ...counts, scores: { ...scores, ...changed } }, CLASSES) ?? "", words);
  }
});
