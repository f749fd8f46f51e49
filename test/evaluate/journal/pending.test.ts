import test from "ava";
import { allocateSlab } from "#src/base/slab.js";
import { createPending } from "#src/evaluate/journal/journal.js";
import { contradictionOf } from "#src/metrics/score-sums.js";
import type { MergedBatch } from "#src/pool/run-batches.js";

const CLASSES = 3;

function merged(firstImage: number, start: number, count: number, recomputed = 1): MergedBatch {
  const slab = allocateSlab({ firstImage, count: 10, inputs: 1 });
  slab.labels.set(slab.labels.map((_, n) => (firstImage + n) % CLASSES));
  slab.predictions.set(slab.predictions.map((_, n) => Math.floor((firstImage + n) / 2) % CLASSES));
  const answer = { id: 0, correct: 0, recomputed, startedAtMs: 0, elapsedMs: 0, scores: null };
  return { slab, batch: { id: 0, start, count }, answer, thread: 1 };
}

test("consecutive batches, in whatever order they came, become one range with the sum of their counts", (t) => {
  const pending = createPending(CLASSES);
  for (const [firstImage, start, count] of [
    [10, 5, 5],
    [0, 0, 10],
    [40, 2, 3],
    [10, 0, 5],
  ]) {
    pending.add(merged(firstImage, start, count));
  }
  const ranges = pending.take(Number.POSITIVE_INFINITY);
  t.deepEqual(
    ranges.map(({ offset, limit, recomputed }) => [offset, limit, recomputed]),
    [
      [0, 20, 3],
      [42, 3, 1],
    ],
  );
  for (const counts of ranges) t.is(contradictionOf(counts, CLASSES), undefined);
  t.deepEqual(pending.take(Number.POSITIVE_INFINITY), []);
});

test("takes only what ends before an image, and keeps the rest, though its slab is used again", (t) => {
  const pending = createPending(CLASSES);
  const late = merged(10, 0, 5);
  pending.add(merged(0, 0, 10));
  pending.add(late);
  t.deepEqual(
    pending.take(14).map(({ limit }) => limit),
    [10],
  );
  late.slab.labels.fill(0);
  const [{ confusionMatrix }] = pending.take(15);
  const fresh = createPending(CLASSES);
  fresh.add(merged(10, 0, 5));
  t.deepEqual(confusionMatrix, fresh.take(15)[0].confusionMatrix);
});

test("what is cleared is not counted later", (t) => {
  const pending = createPending(CLASSES);
  pending.add(merged(0, 0, 10));
  pending.clear();
  pending.add(merged(20, 0, 5));
  t.deepEqual(
    pending.take(Number.POSITIVE_INFINITY).map(({ offset, limit }) => [offset, limit]),
    [[20, 5]],
  );
});
