import test from "ava";
import { createTimeline } from "#src/evaluate/collect-scores.js";
import { seeded } from "../helpers/random.js";

function timelineOf(batches: readonly number[]) {
  const timeline = createTimeline();
  for (const batch of batches) timeline.add({ batch, thread: batch % 3, startMs: 2 * batch, elapsedMs: 1 });
  return timeline.entries;
}

const upTo = (total: number) => Array.from({ length: total }, (_, batch) => batch);

test("keeps all of 10,000 batches in the order in which they came", (t) => {
  const batches = upTo(10_000).reverse();
  const entries = timelineOf(batches);
  t.deepEqual(
    entries.map(({ batch }) => batch),
    batches,
  );
  t.deepEqual(entries[0], { batch: 9999, thread: 0, startMs: 19_998, elapsedMs: 1 });
});

test("of more keeps every second, fourth and so on, and never more than 10,000", (t) => {
  for (const [total, every] of [
    [10_001, 2],
    [20_000, 2],
    [20_001, 4],
    [1_000_003, 128],
  ]) {
    const batches = timelineOf(upTo(total)).map(({ batch }) => batch);
    t.true(batches.length <= 10_000);
    t.deepEqual(
      batches,
      upTo(Math.ceil(total / every)).map((n) => n * every),
    );
  }
});

test("keeps the same batches in whatever order they come", (t) => {
  const random = seeded(5);
  const shuffled = upTo(45_000)
    .map((batch) => ({ batch, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ batch }) => batch);
  const kept = timelineOf(shuffled).map(({ batch }) => batch);
  t.deepEqual(
    kept.toSorted((a, b) => a - b),
    timelineOf(upTo(45_000)).map(({ batch }) => batch),
  );
  t.notDeepEqual(
    kept,
    kept.toSorted((a, b) => a - b),
  );
});
