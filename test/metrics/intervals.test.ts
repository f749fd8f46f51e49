/** Intervals, tests of significance, agreement of two networks, quantiles and counts. */
import test from "ava";
import { allocateSlab } from "#src/base/slab.js";
import { argmax, softmax } from "#src/engines/logits.js";
import { quantile } from "#src/metrics/durations.js";
import { wilson95 } from "#src/metrics/intervals.js";
import { agreementOf, mcnemarExact, type PairedCounts, pairedInterval95 } from "#src/metrics/paired.js";
import { createTally } from "#src/metrics/tally.js";
import { inCase } from "../helpers/in-case.js";
import { seeded } from "../helpers/random.js";
import { askScikit, isNear, withScikit } from "../helpers/scikit.js";

test("argmax takes the first of equals, as NumPy does", (t) => {
  t.is(argmax([1, 3, 3, 2]), 1);
  t.is(argmax([0, 0, 0]), 0);
  t.is(argmax([9, 1, 2, 2, 9], 1, 3), 1);
});

test("Wilson's interval for 9352 of 10000 is the known one, and stays within 0 and 1", async (t) => {
  await inCase(t, "Wilson's interval for 9352 of 10000 is the known one", () => {
    // statsmodels.stats.proportion.proportion_confint(9352, 10000, method="wilson")
    const [low, high] = wilson95(9352, 10_000);
    t.true(Math.abs(low - 0.930208) < 5e-6, String(low));
    t.true(Math.abs(high - 0.939862) < 5e-6, String(high));
  });

  await inCase(t, "Wilson's interval stays within 0 and 1", () => {
    t.is(wilson95(0, 5)[0], 0);
    t.is(wilson95(5, 5)[1], 1);
  });
});

test("softmax sums to one and does not overflow", (t) => {
  t.deepEqual([...softmax([1000, 1000])], [0.5, 0.5]);
  const sum = softmax([1, 2, 3, -400]).reduce((a, b) => a + b);
  t.true(Math.abs(sum - 1) < 1e-15);
});

test("quantiles are measured values by nearest rank", (t) => {
  t.is(quantile([1, 2, 3, 4], 0.5), 2);
  t.is(quantile([1, 2, 3, 4], 0.99), 4);
  t.is(quantile([5], 0.5), 5);
});

test("counts a batch once whatever its id, the first of a far-off one too", (t) => {
  const slab = allocateSlab({ firstImage: 0, count: 1, inputs: 1 });
  // Eight ids a byte: the edges of the memory that remembers them as it begins, and far beyond.
  for (const ids of [[8191, 8192], [16_383, 16_384], [1_000_000], [0, 8192, 16_384, 7]]) {
    const tally = createTally(2);
    for (const id of [...ids, ...ids]) tally.add(slab, { id, start: 0, count: 1 });
    t.is(tally.total, ids.length, String(ids));
  }
});

test("merges batches to the same integers in any order, each once", (t) => {
  const slab = allocateSlab({ firstImage: 0, count: 100, inputs: 1 });
  const random = seeded(5);
  for (let n = 0; n < 100; n++) {
    slab.labels[n] = Math.floor(random() * 4);
    slab.predictions[n] = Math.floor(random() * 4);
  }
  const batches = Array.from({ length: 15 }, (_, id) => ({
    id,
    start: id * 7,
    count: Math.min(7, 100 - id * 7),
  }));
  const forwards = createTally(4);
  const backwards = createTally(4);
  for (const batch of batches) t.true(forwards.add(slab, batch));
  for (const batch of batches.toReversed()) t.true(backwards.add(slab, batch));
  t.false(forwards.add(slab, batches[3]!));
  t.deepEqual(forwards.confusion, backwards.confusion);
  t.is(forwards.correct, backwards.correct);
  t.is(forwards.total, 100);
  t.is(forwards.correct, slab.labels.filter((label, n) => label === slab.predictions[n]).length);
});

test("agreement of a few images is what is counted by hand", async (t) => {
  await inCase(t, "six images give what is counted by hand", () => {
    const labels = Uint8Array.of(0, 0, 1, 1, 2, 2);
    const a = Uint16Array.of(0, 1, 1, 1, 0, 0);
    const b = Uint16Array.of(0, 0, 1, 2, 2, 0);
    t.deepEqual(agreementOf(labels, a, b, 3), {
      // Rows are A's: 0 0, 0 2 and 0 0; 1 0, 1 1 and 1 2.
      matrix: Uint32Array.of(2, 0, 1, 1, 1, 1, 0, 0, 0),
      both: 2,
      onlyA: 1,
      onlyB: 2,
      neither: 1,
    });
  });

  await inCase(t, "no images give zeros", () => {
    t.deepEqual(agreementOf(new Uint8Array(0), new Uint16Array(0), new Uint16Array(0), 2), {
      matrix: new Uint32Array(4),
      both: 0,
      onlyA: 0,
      onlyB: 0,
      neither: 0,
    });
  });
});

withScikit("scikit-learn's confusion matrix of the two, and NumPy's counts, are the same", async (t) => {
  const cases = [2, 10, 26].map((classes) => {
    const random = seeded(classes);
    const labels = Uint8Array.from({ length: 2000 }, () => Math.floor(random() * classes));
    const predictions = () =>
      Uint16Array.from(labels, (label) => (random() < 0.7 ? label : Math.floor(random() * classes)));
    return { labels, a: predictions(), b: predictions(), classes };
  });
  const answers = await askScikit<object>(
    "agreement",
    cases.map(({ labels, a, b, classes }) => ({ labels: [...labels], a: [...a], b: [...b], classes })),
  );
  for (const [n, { labels, a, b, classes }] of cases.entries()) {
    const found = agreementOf(labels, a, b, classes);
    t.deepEqual({ ...found, matrix: [...found.matrix] }, answers[n]);
  }
});

test("McNemar's test gives what is computed by hand, and is the same from either side", async (t) => {
  await inCase(t, "one against five gives what is computed by hand", () => {
    // Six tosses: 2·(C(6,0) + C(6,1)) ÷ 2⁶ = 2·7 ÷ 64.
    t.true(Math.abs(mcnemarExact(1, 5) - 14 / 64) < 1e-15);
    // Five: 2·C(5,0) ÷ 2⁵.
    t.true(Math.abs(mcnemarExact(0, 5) - 2 / 32) < 1e-15);
  });

  await inCase(t, "is the same from either side", () => {
    t.is(mcnemarExact(17, 40), mcnemarExact(40, 17));
  });

  await inCase(t, "equal counts, and none at all, are no evidence: 1, never more", () => {
    for (const count of [0, 1, 2, 50, 1_000_000]) t.is(mcnemarExact(count, count), 1);
    t.is(mcnemarExact(2, 3), 1);
  });

  await inCase(t, "what is too small for a float64 is 0", () => {
    t.is(mcnemarExact(0, 10_000), 0);
  });
});

withScikit("SciPy's exact binomial test gives the same, up to ten million", async (t) => {
  const cases = [
    [0, 0],
    [0, 1],
    [3, 9],
    [12, 12],
    [25, 48],
    [100, 151],
    [0, 900],
    [4_900, 5_100],
    [499_000, 501_000],
    [4_997_000, 5_003_000],
    [9_990_000, 10_000_000],
  ] as const;
  const answers = await askScikit<number>("mcnemar", cases);
  for (const [n, [onlyA, onlyB]] of cases.entries()) {
    const found = mcnemarExact(onlyA, onlyB);
    // Small values too must be right to nine digits.
    t.true(
      Math.abs(found / answers[n]! - 1) < 1e-9,
      `${onlyA}, ${onlyB}: found ${found}, expected ${answers[n]}`,
    );
  }
});

const counts = (both: number, onlyA: number, onlyB: number, neither: number): PairedCounts => ({
  both,
  onlyA,
  onlyB,
  neither,
});

test("the paired interval gives what is computed by hand, and turns its sign with the networks", async (t) => {
  await inCase(t, "gives what is computed by hand for 36, 12, 2 and 0", () => {
    const { difference, low, high } = pairedInterval95(counts(36, 12, 2, 0));
    t.is(difference, (12 - 2) / 50);
    // Wilson: 48 of 50 is 0.96 in 0.86540..0.98896, 38 of 50 is 0.76 in 0.62587..0.85703.
    // ad − bc = −24 is not positive and so stays: φ = −24 ÷ √(48·2·38·12) = −0.11471.
    const phi = -24 / Math.sqrt(48 * 2 * 38 * 12);
    const down = Math.sqrt(0.0946 ** 2 - 2 * phi * 0.0946 * 0.09703 + 0.09703 ** 2);
    const up = Math.sqrt(0.02896 ** 2 - 2 * phi * 0.02896 * 0.13413 + 0.13413 ** 2);
    t.true(Math.abs(low - (0.2 - down)) < 2e-5, String(low));
    t.true(Math.abs(high - (0.2 + up)) < 2e-5, String(high));
    t.is(low.toFixed(4), "0.0569");
    t.is(high.toFixed(4), "0.3404");
  });

  await inCase(t, "a positive correlation is lowered by half the images before it counts", () => {
    // ad − bc = 10·1 − 3·2 = 4, less than 16 ÷ 2: φ = 0, as in the sum of squares alone.
    const { difference, low } = pairedInterval95(counts(10, 3, 2, 1));
    const [lowA] = wilson95(13, 16);
    const [, highB] = wilson95(12, 16);
    isNear(t, low, difference - Math.hypot(13 / 16 - lowA, highB - 12 / 16), "low");
  });

  await inCase(t, "gives what is computed by hand where nothing correlates", () => {
    // ad = bc: φ = 0. Both are 2 of 4: Wilson's 0.5 ± h with h = z·√(0.25/4 + z²/64) ÷ (1 + z²/4); then √(h² + h²).
    const z = 1.959963984540054;
    const h = (z * Math.sqrt(0.25 / 4 + z ** 2 / 64)) / (1 + z ** 2 / 4);
    const { difference, low, high } = pairedInterval95(counts(1, 1, 1, 1));
    t.is(difference, 0);
    isNear(t, high, h * Math.SQRT2, "high");
    isNear(t, low, -h * Math.SQRT2, "low");
  });

  await inCase(t, "turns its sign where the networks change places", () => {
    const there = pairedInterval95(counts(80, 12, 5, 3));
    const back = pairedInterval95(counts(80, 5, 12, 3));
    t.is(there.difference, -back.difference);
    isNear(t, there.low, -back.high, "low");
    isNear(t, there.high, -back.low, "high");
  });

  await inCase(t, "stays within −1 and 1, and tells nothing without images", () => {
    t.deepEqual(pairedInterval95(counts(0, 0, 0, 0)), { difference: 0, low: -1, high: 1 });
    t.true(pairedInterval95(counts(0, 4, 0, 0)).high <= 1);
    t.true(pairedInterval95(counts(0, 0, 4, 0)).low >= -1);
  });
});

withScikit("SciPy's Wilson limits, put together independently, give the same", async (t) => {
  const cases = [
    counts(36, 12, 2, 0),
    counts(14, 5, 0, 22),
    counts(59, 6, 16, 80),
    counts(9300, 90, 250, 360),
    counts(100, 0, 0, 0),
    counts(50, 0, 0, 50),
    counts(0, 20, 30, 0),
    counts(10, 3, 2, 1),
    counts(380_000_000, 4_000_000, 4_100_000, 11_900_000),
  ];
  const answers = await askScikit<readonly [low: number, high: number]>("paired_interval", cases);
  for (const [n, paired] of cases.entries()) {
    const { low, high } = pairedInterval95(paired);
    isNear(t, low, answers[n]![0], `${JSON.stringify(paired)}, low`);
    isNear(t, high, answers[n]![1], `${JSON.stringify(paired)}, high`);
  }
});
