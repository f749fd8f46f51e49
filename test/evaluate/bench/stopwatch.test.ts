import test from "ava";
import { createStopwatch } from "#src/evaluate/bench/summary.js";

test("tells the nearest rank of all times that were recorded, to three digits", (t) => {
  const stopwatch = createStopwatch();
  const timesMs = Array.from({ length: 1000 }, (_, n) => (n + 1) / 1000);
  stopwatch.record(timesMs.slice(500));
  stopwatch.record(timesMs.slice(0, 500).reverse());
  const { p50, p90, p99 } = stopwatch.percentiles();
  for (const [found, expected] of [
    [p50, 0.5],
    [p90, 0.9],
    [p99, 0.99],
  ]) {
    t.true(Math.abs(found - expected) <= 0.0011 * expected + 0.001, `${found} for ${expected}`);
  }
});

test("takes a time of nothing, and one beyond a day, without a fault", (t) => {
  const stopwatch = createStopwatch();
  stopwatch.record([0]);
  t.is(stopwatch.percentiles().p50, 0.000001);
  stopwatch.record([1e12, 1e12]);
  t.true(stopwatch.percentiles().p50 >= 86_000_000);
});
