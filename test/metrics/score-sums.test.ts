/** Sums of scores and counts of parts: the same integers in any order. */
import test from "ava";
import type { PartialCounts } from "#src/base/contracts/journal.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import { atLeast } from "#src/base/errors.js";
import { allocateSlab } from "#src/base/slab.js";
import { resultCounts } from "#src/evaluate/summarize.js";
import {
  addPartials,
  addScoreSums,
  contradictionOf,
  emptyPartial,
  emptyScoreSums,
  RELIABILITY_BINS,
  sumScores,
  UNITS_PER_ONE,
} from "#src/metrics/score-sums.js";
import { createTally, partialOf, scoreSumsOf, serialiseScores } from "#src/metrics/tally.js";
import { inCase } from "../helpers/in-case.js";
import { seeded } from "../helpers/random.js";
import { randomScores, type ScoredImages } from "../helpers/scores.js";

/** One row of probabilities for each image. */
function sumsOf(rows: readonly (readonly number[])[], labels: readonly number[]): ScoreSums {
  return sumScores(Float64Array.from(rows.flat()), Uint8Array.from(labels), rows.length, rows[0]!.length);
}

function sumsOfPart({ probabilities, labels, classes }: ScoredImages, start: number, end: number): ScoreSums {
  return sumScores(
    probabilities.subarray(start * classes, end * classes),
    labels.subarray(start, end),
    end - start,
    classes,
  );
}

test("sums of a few images are those computed by hand", async (t) => {
  await inCase(t, "two images give what is computed by hand", () => {
    const sums = sumsOf(
      [
        [0.5, 0.25, 0.25],
        [0.125, 0.625, 0.25],
      ],
      [0, 2],
    );
    // −ln ½ = 0.69314718… and −ln ¼ = 1.38629436…, each times 2³² and rounded.
    t.is(sums.logLoss, 2_977_044_472n + 5_954_088_944n);
    // (½)² + (¼)² + (¼)² = 0.375; (⅛)² + (⅝)² + (¾)² = 0.96875.
    t.is(sums.brier, BigInt((0.375 + 0.96875) * UNITS_PER_ONE));
    // The first label is the likeliest; before the second's comes class 1.
    t.deepEqual(sums.labelRanks, [1, 1, 0]);
    // ½·15 = 7.5 is in the 8th bin, ⅝·15 = 9.375 in the 10th.
    t.deepEqual(sums.bins[7], { total: 1, correct: 1, confidence: BigInt(UNITS_PER_ONE / 2) });
    t.deepEqual(sums.bins[9], { total: 1, correct: 0, confidence: BigInt(0.625 * UNITS_PER_ONE) });
    t.is(
      sums.bins.reduce((total, bin) => total + bin.total, 0),
      2,
    );
  });

  await inCase(t, "a probability of 0 costs as much as float64's epsilon, and one of 1 nothing", () => {
    // −ln 2⁻⁵² = 52·ln 2 = 36.04365…
    t.is(sumsOf([[1, 0]], [1]).logLoss, BigInt(Math.round(52 * Math.LN2 * UNITS_PER_ONE)));
    t.is(sumsOf([[1, 0]], [0]).logLoss, 0n);
    t.is(sumsOf([[1, 0]], [1]).brier, BigInt(2 * UNITS_PER_ONE));
  });

  await inCase(
    t,
    "of equal probabilities the lowest class is the predicted one; for k ≥ 2 the highest comes first",
    () => {
      const row = [0.25, 0.25, 0.25, 0.25];
      // By hand: top-1 counts label 0; top-2 labels 3 and 2; top-3 label 1 too; top-4 all.
      const counted = [
        [1, 0, 0, 1],
        [0, 0, 1, 1],
        [0, 1, 1, 1],
        [0, 1, 1, 1],
      ];
      for (const label of [0, 1, 2, 3]) {
        const sums = sumsOf([row], [label]);
        t.deepEqual(
          [1, 2, 3, 4].map((k) => sums.labelRanks.slice(0, k).reduce((a, b) => a + b)),
          counted[label],
        );
        t.is(sums.bins[3]?.correct, label === 0 ? 1 : 0);
      }
    },
  );

  await inCase(t, "a confidence on an edge belongs to the bin below it", () => {
    for (let bin = 0; bin < RELIABILITY_BINS; bin++) {
      const edge = (bin + 1) / RELIABILITY_BINS;
      // The second class is less likely, so that the edge is the confidence.
      const { bins } = sumsOf([[edge, 0]], [0]);
      t.is(
        bins.findIndex(({ total }) => total === 1),
        bin,
        `edge ${bin + 1}/15`,
      );
      const above = sumsOf([[Math.min(1, edge + 1e-12), 0]], [0]);
      t.is(
        above.bins.findIndex(({ total }) => total === 1),
        Math.min(14, bin + 1),
        `above edge ${bin + 1}/15`,
      );
    }
  });

  await inCase(t, "nothing evaluated sums to zeros", () => {
    t.deepEqual(sumScores(new Float64Array(0), new Uint8Array(0), 0, 4), emptyScoreSums(4));
  });
});

test("any split into batches, merged in any order, gives identical integers", async (t) => {
  for (const classes of [2, 10, 26]) {
    await inCase(
      t,
      `any split into batches, merged in any order, gives identical integers: ${classes} classes`,
      () => {
        const images = randomScores(1000, classes, classes);
        const whole = sumsOfPart(images, 0, images.count);
        const random = seeded(classes + 1);
        for (let round = 0; round < 20; round++) {
          const parts: ScoreSums[] = [];
          for (let start = 0; start < images.count; ) {
            const end = Math.min(images.count, start + 1 + Math.floor(random() * 300));
            parts.splice(Math.floor(random() * (parts.length + 1)), 0, sumsOfPart(images, start, end));
            start = end;
          }
          const fromLeft = parts.reduce(addScoreSums, emptyScoreSums(classes));
          const fromRight = parts.reduceRight((sum, part) => addScoreSums(part, sum));
          t.deepEqual(fromLeft, whole);
          t.deepEqual(fromRight, whole);
        }
      },
    );
  }
});

test("a batch too large for plain numbers is summed exactly", (t) => {
  // 52·ln 2 · 2³² units an image pass 2⁵³ from 58,186 images on; 2 · 2³² is Brier's most.
  const count = 200_000;
  const probabilities = Float64Array.from({ length: count * 2 }, (_, n) => n % 2);
  const sums = sumScores(probabilities, new Uint8Array(count), count, 2);
  t.is(sums.logLoss, BigInt(Math.round(52 * Math.LN2 * UNITS_PER_ONE)) * BigInt(count));
  t.is(sums.brier, 2n * BigInt(UNITS_PER_ONE) * BigInt(count));
  t.deepEqual(sums.bins[14], { total: count, correct: 0, confidence: BigInt(UNITS_PER_ONE) * BigInt(count) });
});

test("refuses a probability that is not a number, whether the label's or another's", (t) => {
  for (const label of [0, 1]) {
    t.throws(() => sumsOf([[Number.NaN, 0.5]], [label]), { instanceOf: RangeError });
  }
});

test("adding changes neither of its sums", (t) => {
  const a = sumsOf([[0.5, 0.5]], [0]);
  const b = sumsOf([[0.25, 0.75]], [1]);
  const before = structuredClone([a, b]);
  addScoreSums(a, b);
  t.deepEqual([a, b], before);
});

const CLASSES = 3;

/** Image k has label k mod 3; its predicted class is the first of the most probable. */
function countsOf(offset: number, limit: number): PartialCounts {
  const confusion = new Uint32Array(CLASSES * CLASSES);
  const images = Array.from({ length: limit }, (_, n) => offset + n);
  const rows = images.map((k) => [(k % 7) / 10, (k % 3) / 10, 1 - (k % 7) / 10 - (k % 3) / 10]);
  let correct = 0;
  for (const [n, k] of images.entries()) {
    const [label, prediction] = [k % 3, rows[n]!.indexOf(Math.max(...rows[n]!))];
    confusion[label * CLASSES + prediction]!++;
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
  const [a, b, c] = atLeast(
    parts.map((part): PartialCounts => JSON.parse(JSON.stringify(part))),
    3,
  );
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
  t.deepEqual([perClass[0]?.support, perClass[0]?.predicted, perClass[0]?.f1], [2 ** 32, 2 ** 32, 1]);
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

test("a count or a sum that was changed contradicts the others", async (t) => {
  await inCase(t, "a count that was changed contradicts the others", () => {
    const counts = countsOf(0, 20);
    t.is(contradictionOf(counts, CLASSES), undefined);
    t.regex(contradictionOf({ ...counts, total: 19 }, CLASSES) ?? "", /expected 20 images counted, found 19/);
    t.regex(contradictionOf({ ...counts, correct: 1 }, CLASSES) ?? "", /diagonal/);
    t.regex(contradictionOf(counts, 4) ?? "", /4 × 4/);
    const [first, ...others] = atLeast(counts.confusionMatrix, 1);
    const changed = [first.map((count, n) => (n === 1 ? count + 1 : count)), ...others];
    t.regex(contradictionOf({ ...counts, confusionMatrix: changed }, CLASSES) ?? "", /found 21/);
  });

  await inCase(t, "a sum of scores that was changed contradicts the others", () => {
    const counts = countsOf(0, 20);
    const { scores } = counts;
    if (scores === null) return t.fail();
    const [first, second, third] = atLeast(scores.labelRanks, 3);
    const bin = scores.bins.findIndex(({ total }) => total > 0);
    const withBin = (changed: object) => ({
      bins: scores.bins.map((old, n) => (n === bin ? { ...old, ...changed } : old)),
    });
    for (const [changed, words] of [
      [{ labelRanks: [20, 1, 0] }, /20 images in the ranks of labels, found 21/],
      [{ labelRanks: scores.labelRanks.slice(1) }, /3 ranks of labels, found 2/],
      [{ labelRanks: [first + 1, second - 1, third] }, /images first in the ranks/],
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
});
