import test from "ava";
import { mcnemarExact } from "#src/metrics/paired.js";
import { askScikit, withScikit } from "../helpers/scikit.js";

test("one against five gives what is computed by hand", (t) => {
  // Six tosses: 2·(C(6,0) + C(6,1)) ÷ 2⁶ = 2·7 ÷ 64.
  t.true(Math.abs(mcnemarExact(1, 5) - 14 / 64) < 1e-15);
  // Five: 2·C(5,0) ÷ 2⁵.
  t.true(Math.abs(mcnemarExact(0, 5) - 2 / 32) < 1e-15);
});

test("is the same from either side", (t) => {
  t.is(mcnemarExact(17, 40), mcnemarExact(40, 17));
});

test("equal counts, and none at all, are no evidence: 1, never more", (t) => {
  for (const count of [0, 1, 2, 50, 1_000_000]) t.is(mcnemarExact(count, count), 1);
  t.is(mcnemarExact(2, 3), 1);
});

test("what is too small for a float64 is 0", (t) => {
  t.is(mcnemarExact(0, 10_000), 0);
});

withScikit("SciPy's exact binomial test gives the same, up to ten million", (t) => {
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
  const answers = askScikit<number>("mcnemar", cases);
  for (const [n, [onlyA, onlyB]] of cases.entries()) {
    const found = mcnemarExact(onlyA, onlyB);
    // Small values too must be right to nine digits.
    t.true(
      Math.abs(found / answers[n] - 1) < 1e-9,
      `${onlyA}, ${onlyB}: found ${found}, expected ${answers[n]}`,
    );
  }
});
