import test from "ava";
import { wilson95 } from "#src/metrics/intervals.js";
import type { PairedCounts } from "#src/metrics/paired.js";
import { pairedInterval95 } from "#src/metrics/paired.js";
import { askScikit, isNear, withScikit } from "../helpers/scikit.js";

const counts = (both: number, onlyA: number, onlyB: number, neither: number): PairedCounts => ({
  both,
  onlyA,
  onlyB,
  neither,
});

test("gives what is computed by hand for 36, 12, 2 and 0", (t) => {
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

test("a positive correlation is lowered by half the images before it counts", (t) => {
  // ad − bc = 10·1 − 3·2 = 4, less than 16 ÷ 2: φ = 0, as in the sum of squares alone.
  const { difference, low } = pairedInterval95(counts(10, 3, 2, 1));
  const [lowA] = wilson95(13, 16);
  const [, highB] = wilson95(12, 16);
  isNear(t, low, difference - Math.hypot(13 / 16 - lowA, highB - 12 / 16), "low");
});

test("gives what is computed by hand where nothing correlates", (t) => {
  // ad = bc: φ = 0. Both are 2 of 4: Wilson's 0.5 ± h with h = z·√(0.25/4 + z²/64) ÷ (1 + z²/4); then √(h² + h²).
  const z = 1.959963984540054;
  const h = (z * Math.sqrt(0.25 / 4 + z ** 2 / 64)) / (1 + z ** 2 / 4);
  const { difference, low, high } = pairedInterval95(counts(1, 1, 1, 1));
  t.is(difference, 0);
  isNear(t, high, h * Math.SQRT2, "high");
  isNear(t, low, -h * Math.SQRT2, "low");
});

test("turns its sign where the networks change places", (t) => {
  const there = pairedInterval95(counts(80, 12, 5, 3));
  const back = pairedInterval95(counts(80, 5, 12, 3));
  t.is(there.difference, -back.difference);
  isNear(t, there.low, -back.high, "low");
  isNear(t, there.high, -back.low, "high");
});

test("stays within −1 and 1, and tells nothing without images", (t) => {
  t.deepEqual(pairedInterval95(counts(0, 0, 0, 0)), { difference: 0, low: -1, high: 1 });
  t.true(pairedInterval95(counts(0, 4, 0, 0)).high <= 1);
  t.true(pairedInterval95(counts(0, 0, 4, 0)).low >= -1);
});

withScikit("SciPy's Wilson limits, put together independently, give the same", (t) => {
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
  const answers = askScikit<readonly [low: number, high: number]>("paired_interval", cases);
  for (const [n, paired] of cases.entries()) {
    const { low, high } = pairedInterval95(paired);
    isNear(t, low, answers[n][0], `${JSON.stringify(paired)}, low`);
    isNear(t, high, answers[n][1], `${JSON.stringify(paired)}, high`);
  }
});
