import test from "ava";
import type { PartialCounts } from "#src/base/contracts/journal.js";
import { allocateSlab } from "#src/base/slab.js";
import { resultCounts } from "#src/evaluate/summarize.js";
import { partialOf, scoreSumsOf, serialiseScores } from "#src/metrics/partial-counts.js";
import { addPartials, contradictionOf, emptyPartial, sumScores } from "#src/metrics/score-sums.js";
import { createTally } from "#src/metrics/tally.js";

const CLASSES = 3;

/** Image k has label k mod 3; its predicted class is the first of the most probable. */
function countsOf(offset: number, limit: number): PartialCounts {
  const confusion = new Uint32Array(CLASSES * CLASSES);
  const images = Array.from({ length: limit }, (_, n) => offset + n);
  const rows = images.map((k) => [(k % 7) / 10, (k % 3) / 10, 1 - (k % 7) / 10 - (k % 3) / 10]);
  let correct = 0;
  for (const [n, k] of images.entries()) {
    const [label, prediction] = [k % 3, rows[n].indexOf(Math.max(...rows[n]))];
    confusion[label * CLASSES + prediction]++;
    if (label === prediction) correct++;
  }
  const labels = Uint8Array.from(images, (k) => k % 3);
  const scores = sumScores(Float64Array.from(rows.flat()), labels, limit, CLASSES);
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

test("counts stay exact where all of a run's images, 2 to the 32, and those of a merge are in one cell", async (t) => {
  const half = 2 ** 31;
  const partOf = (offset: number): PartialCounts => ({
    ...emptyPartial(offset, 2, false),
    limit: half,
    correct: half,
    total: half,
    confusionMatrix: [
      [half, 0],
      [0, 0],
    ],
  });
  const merged = addPartials(partOf(0), partOf(half));
  t.is(contradictionOf(merged, 2), undefined);
  const { perClass, averages, accuracy, balancedAccuracy, macroF1Interval95 } = await resultCounts(merged, {
    bootstrap: 3,
    seed: 1,
    topK: undefined,
  });
  t.deepEqual([perClass[0].support, perClass[0].predicted, perClass[0].f1], [2 ** 32, 2 ** 32, 1]);
  t.deepEqual([accuracy, balancedAccuracy, averages.micro.f1], [1, 1, 1]);
  t.is(macroF1Interval95?.low, 1);
  // A run that is taken up again goes on from there.
  const tally = createTally(2, merged);
  const slab = allocateSlab({ firstImage: 0, count: 1, inputs: 1 });
  tally.add(slab, { id: 0, start: 0, count: 1 });
  t.is(tally.confusion[0], 2 ** 32 + 1);
  t.deepEqual(partialOf(tally, { offset: 0, limit: 1 }, { scores: null, recomputed: 0 }).confusionMatrix[0], [
    2 ** 32 + 1,
    0,
  ]);
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
    [{ labelRanks: [first + 1, others[0] - 1, others[1]] }, /images first in the ranks/],
    [{ bins: scores.bins.map((old) => ({ ...old, correct: 0 })) }, /right images in the bins/],
    [{ bins: scores.bins.slice(1) }, /15 bins, found 14/],
    [withBin({ total: 21 }), /images in the bins/],
    [withBin({ confidence: String(20n * 2n ** 32n + 1n) }), /shares are 1 at most/],
    [{ logLoss: String(20n * 37n * 2n ** 32n) }, /losses/],
    [{ brier: String(20n * 2n * 2n ** 32n + 1n) }, /losses/],
  ] as const) {
    t.regex(contradictionOf({ ...counts, scores: { ...scores, ...changed } }, CLASSES) ?? "", words);
  }
});
