import test from "ava";
import { createDurationSample } from "#src/pool/duration-sample.js";

function sampleOf(count: number, expected = 1e9) {
  const sample = createDurationSample(expected);
  for (let n = 0; n < count; n++) sample.add(n);
  return sample;
}

test("keeps all durations while they are few", (t) => {
  const { count, keptMs } = sampleOf(65_536);
  t.is(count, 65_536);
  t.is(keptMs.length, 65_536);
  t.true(keptMs.every((ms, n) => ms === n));
});

test("of many keeps evenly spaced ones from first to last, and never more than its bound", (t) => {
  for (const [count, every] of [
    [65_537, 2],
    [131_073, 4],
    [1_000_003, 16],
  ]) {
    const { count: seen, keptMs } = sampleOf(count);
    t.is(seen, count);
    t.is(keptMs.length, Math.ceil(count / every));
    t.true(keptMs.length <= 65_536);
    t.true(keptMs.every((ms, n) => ms === n * every));
  }
});

test("takes more than were expected", (t) => {
  const { count, keptMs } = sampleOf(2000, 100);
  t.is(count, 2000);
  t.deepEqual(
    Array.from(keptMs),
    Array.from({ length: 1000 }, (_, n) => 2 * n),
  );
});
