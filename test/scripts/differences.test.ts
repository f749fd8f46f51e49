import test from "ava";
import { differencesOf } from "../../scripts/differences.js";

const TOLERANCE = 1e-9;

test("fractions may be apart by the tolerance, and the largest distance is told", (t) => {
  const { lines, largest } = differencesOf(
    { accuracy: 0.5, interval: [0.25, 1] },
    { accuracy: 0.5 + 2 ** -32, interval: [0.25, 1 - 2 ** -40] },
    TOLERANCE,
  );
  t.deepEqual(lines, []);
  t.is(largest, 2 ** -32);
});

test("a fraction further apart is named by its place", (t) => {
  t.deepEqual(
    differencesOf({ scores: { bins: [{ accuracy: 0.5 }] } }, { scores: { bins: [{ accuracy: 0.75 }] } }, 0.1)
      .lines,
    ["scores.bins.0.accuracy: 0.5 and 0.75"],
  );
});

test("a count that differs by one is a difference, whatever the tolerance", (t) => {
  t.deepEqual(differencesOf({ correct: 9947 }, { correct: 9948 }, 10).lines, ["correct: 9947 and 9948"]);
});

test("what is missing, null or of another kind is a difference", (t) => {
  t.deepEqual(differencesOf({ a: 0.5, b: null, c: [1, 2] }, { b: 0.5, c: [1] }, TOLERANCE).lines, [
    "a: 0.5 and undefined",
    "b: null and 0.5",
    "c.1: 2 and undefined",
  ]);
});
