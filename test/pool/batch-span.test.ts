/** Spans are the batches that they say. */
import test from "ava";
import { batchAt, batchCount, spanOf } from "#src/pool/plan.js";

const batchesIn = (span: Parameters<typeof batchCount>[0]) =>
  Array.from({ length: batchCount(span) }, (_, n) => batchAt(span, n));

test("the last batch has what is left", (t) => {
  t.deepEqual(batchesIn({ firstId: 5, start: 70, images: 25, batchSize: 10 }), [
    { id: 5, start: 70, count: 10 },
    { id: 6, start: 80, count: 10 },
    { id: 7, start: 90, count: 5 },
  ]);
});

test("the last batch is whole where nothing is left over", (t) => {
  const batches = batchesIn({ firstId: 0, start: 0, images: 20, batchSize: 10 });
  t.deepEqual(
    batches.map(({ count }) => count),
    [10, 10],
  );
});

test("no images are no batches", (t) => {
  t.is(batchCount({ firstId: 0, start: 0, images: 0, batchSize: 1 }), 0);
});

test("a batch alone is a span of itself, beyond 32 bits too", (t) => {
  const batch = { id: 2 ** 33 + 1, start: 300, count: 7 };
  t.deepEqual(batchesIn(spanOf(batch)), [batch]);
});
