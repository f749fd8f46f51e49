/** A ring of slabs: no more memory than it has, none used before it is released, and a reader that waits. */
import { setImmediate } from "node:timers/promises";
import test from "ava";
import { createRing, ringSize } from "#src/base/ring.js";
import { allocateSlab, type Slab, type SlabLayout } from "#src/base/slab.js";

const INPUTS = 2;
const LAYOUTS: readonly SlabLayout[] = Array.from({ length: 20 }, (_, n) => ({
  firstImage: n * 10,
  count: n === 19 ? 3 : 10,
  inputs: INPUTS,
}));

/** A ring whose pixels say which slab they are; what happened to it is counted. */
function countingRing(size: number, failAt = Number.POSITIVE_INFINITY) {
  const seen = { allocated: 0, filled: 0, closed: 0 };
  const ring = createRing({
    layouts: LAYOUTS,
    size,
    allocate() {
      seen.allocated++;
      return allocateSlab(LAYOUTS[0]).buffer;
    },
    async fill(slab) {
      if (seen.filled === failAt) throw new Error("damaged");
      await setImmediate();
      slab.pixels.fill(seen.filled++);
    },
    async close() {
      seen.closed++;
    },
  });
  return { ring, seen, slabs: ring.slabs[Symbol.asyncIterator]() };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await setImmediate();
}

test("gives all slabs in order from a few memories, each again once it is released", async (t) => {
  const { ring, seen } = countingRing(3);
  const buffers = new Set<SharedArrayBuffer>();
  const out: Slab[] = [];
  let next = 0;
  for await (const slab of ring.slabs) {
    t.false(out.some(({ buffer }) => buffer === slab.buffer));
    t.deepEqual([slab.firstImage, slab.count], [LAYOUTS[next].firstImage, LAYOUTS[next].count]);
    t.true(slab.pixels.every((pixel) => pixel === next));
    t.true(slab.predictions.every((prediction) => prediction === 0xffff));
    buffers.add(slab.buffer);
    out.push(slab);
    next++;
    if (out.length === 2) ring.release(out.splice(0, 1)[0]);
  }
  t.is(next, 20);
  t.is(seen.allocated, 3);
  t.true(buffers.size <= 3);
  t.is(seen.closed, 1);
});

test("a consumer that keeps its slabs stops the reader, and its release lets it go on", async (t) => {
  const { ring, seen, slabs } = countingRing(4);
  const first = (await slabs.next()).value;
  await settled();
  t.deepEqual([seen.allocated, seen.filled], [4, 4]);
  const rest = [await slabs.next(), await slabs.next(), await slabs.next()];
  t.true(rest.every(({ done }) => done === false));
  await settled();
  t.is(seen.filled, 4);
  ring.release(first);
  const fifth = (await slabs.next()).value;
  t.is(fifth.firstImage, 40);
  t.is(fifth.buffer, first.buffer);
  await slabs.return?.();
  t.is(seen.allocated, 4);
});

test("what filling throws comes behind the slabs that were filled before", async (t) => {
  const { slabs, seen } = countingRing(4, 2);
  await settled();
  t.is((await slabs.next()).value.firstImage, 0);
  t.is((await slabs.next()).value.firstImage, 10);
  await t.throwsAsync(slabs.next() as Promise<unknown>, { message: "damaged" });
  t.is(seen.closed, 1);
});

test("who waits for a slab that cannot come is let go when the ring is stopped", async (t) => {
  const { ring, slabs, seen } = countingRing(1);
  await slabs.next();
  const waiting = slabs.next();
  await settled();
  ring.stop();
  t.true((await waiting).done);
  t.is(seen.closed, 1);
  t.is(seen.filled, 1);
});

test("who leaves early has what is read closed, after the filling under way", async (t) => {
  const { slabs, seen } = countingRing(3);
  await slabs.next();
  await slabs.return?.();
  t.is(seen.closed, 1);
  const { filled } = seen;
  await settled();
  t.is(seen.filled, filled);
});

test("has a batch for every lane, a slab more, and two ahead", (t) => {
  t.is(ringSize(2, 100), 4);
  t.is(ringSize(8, 1), 11);
  t.is(ringSize(8, 3), 6);
});
