import test from "ava";
import { allocateSlab } from "#src/base/slab.js";
import { argmax } from "#src/engines/argmax.js";
import { softmax } from "#src/engines/softmax.js";
import { quantile, wilson95 } from "#src/metrics/intervals.js";
import { createTally } from "#src/metrics/tally.js";
import { seeded } from "../helpers/random.js";

test("argmax takes the first of equals, as NumPy does", (t) => {
  t.is(argmax([1, 3, 3, 2]), 1);
  t.is(argmax([0, 0, 0]), 0);
  t.is(argmax([9, 1, 2, 2, 9], 1, 3), 1);
});

test("Wilson's interval for 9352 of 10000 is the known one", (t) => {
  // statsmodels.stats.proportion.proportion_confint(9352, 10000, method="wilson")
  const [low, high] = wilson95(9352, 10_000);
  t.true(Math.abs(low - 0.930208) < 5e-6, String(low));
  t.true(Math.abs(high - 0.939862) < 5e-6, String(high));
});

test("Wilson's interval stays within 0 and 1", (t) => {
  t.is(wilson95(0, 5)[0], 0);
  t.is(wilson95(5, 5)[1], 1);
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
  t.false(forwards.add(slab, batches[3]));
  t.deepEqual(forwards.confusion, backwards.confusion);
  t.is(forwards.correct, backwards.correct);
  t.is(forwards.total, 100);
  t.is(forwards.correct, slab.labels.filter((label, n) => label === slab.predictions[n]).length);
});
