/** Slabs of images: the reader that fills them again and again, the buffers for answers, and memory that is not there. */

import { constants } from "node:buffer";
import { setImmediate } from "node:timers/promises";
import test from "ava";
import { atLeast, UsageError } from "#src/base/errors.js";
import {
  allocateAnswers,
  allocateEntries,
  allocateShared,
  allocateSlab,
  type Slab,
  type SlabLayout,
  slabBytes,
  streamOf,
  viewSlab,
  withAnswerBuffers,
} from "#src/base/slab.js";
import { readAhead, slabsInMemory } from "#src/data/stream/slab-reader.js";
import { emptyAnswers } from "#src/evaluate/compare/summary.js";
import { allOf } from "../helpers/all-of.js";
import { inCase } from "../helpers/in-case.js";

const INPUTS = 2;
const LAYOUTS: readonly SlabLayout[] = Array.from({ length: 20 }, (_, n) => ({
  firstImage: n * 10,
  count: n === 19 ? 3 : 10,
  inputs: INPUTS,
}));

/** A stream whose pixels are the number of their slab; calls are counted. */
function countingStream(size: number, failAt = Number.POSITIVE_INFINITY) {
  const seen = { filled: 0, closed: 0 };
  const stream = readAhead({
    layouts: LAYOUTS,
    size,
    async fill(slab) {
      if (seen.filled === failAt) throw new Error("damaged");
      await setImmediate();
      slab.pixels.fill(seen.filled++);
    },
    async close() {
      seen.closed++;
    },
  });
  return { stream, seen, slabs: stream[Symbol.asyncIterator]() };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await setImmediate();
}

test("gives all slabs in order from a few memories, each again once it is released", async (t) => {
  const { stream, seen } = countingStream(3);
  const buffers = new Set<SharedArrayBuffer>();
  const out: Slab[] = [];
  let next = 0;
  for await (const slab of stream) {
    t.false(out.some(({ buffer }) => buffer === slab.buffer));
    t.deepEqual([slab.firstImage, slab.count], [LAYOUTS[next]?.firstImage, LAYOUTS[next]?.count]);
    t.true(slab.pixels.every((pixel) => pixel === next));
    t.true(slab.predictions.every((prediction) => prediction === 0xffff));
    buffers.add(slab.buffer);
    out.push(slab);
    next++;
    if (out.length === 2) stream.release(out.splice(0, 1)[0]!);
  }
  t.is(next, 20);
  t.is(buffers.size, 3);
  t.is(seen.closed, 1);
});

test("a consumer that keeps its slabs stops the reader, and its release lets it go on", async (t) => {
  const { stream, seen, slabs } = countingStream(4);
  const first = (await slabs.next()).value;
  await settled();
  t.is(seen.filled, 4);
  const rest = [await slabs.next(), await slabs.next(), await slabs.next()];
  t.true(rest.every(({ done }) => done === false));
  await settled();
  t.is(seen.filled, 4);
  stream.release(first);
  const fifth = (await slabs.next()).value;
  t.is(fifth.firstImage, 40);
  t.is(fifth.buffer, first.buffer);
  await slabs.return?.();
});

test("what fails, stops or leaves early has what is read closed", async (t) => {
  await inCase(t, "what filling throws comes behind the slabs that were filled before", async () => {
    const { slabs, seen } = countingStream(4, 2);
    await settled();
    t.is((await slabs.next()).value.firstImage, 0);
    t.is((await slabs.next()).value.firstImage, 10);
    await t.throwsAsync(slabs.next() as Promise<unknown>, { message: "damaged" });
    t.is(seen.closed, 1);
  });

  await inCase(t, "who waits for a slab that cannot come is let go when the stream is stopped", async () => {
    const { stream, slabs, seen } = countingStream(1);
    await slabs.next();
    const waiting = slabs.next();
    await settled();
    stream.stop();
    t.true((await waiting).done);
    t.is(seen.closed, 1);
    t.is(seen.filled, 1);
  });

  await inCase(t, "who leaves early has what is read closed, after the filling under way", async () => {
    const { slabs, seen } = countingStream(3);
    await slabs.next();
    await slabs.return?.();
    t.is(seen.closed, 1);
    const { filled } = seen;
    await settled();
    t.is(seen.filled, filled);
  });
});

test("has a batch for every lane, a slab more, and two ahead", (t) => {
  t.is(slabsInMemory({ lanes: 2, multiple: 10 }, 1000), 4);
  t.is(slabsInMemory({ lanes: 8, multiple: 10 }, 10), 11);
  t.is(slabsInMemory({ lanes: 8, multiple: 10 }, 30), 6);
});

const LAYOUT = { firstImage: 5, count: 3, inputs: 5 };

test("a slab alone has room for predictions behind its labels, at an even byte", (t) => {
  const slab = allocateSlab(LAYOUT);
  t.is(slab.buffer.byteLength, 3 * (5 + 3));
  t.is(slab.predictions.byteOffset, 18);
  t.is(slab.probabilities, undefined);
  t.is(slab.answers, undefined);
  t.is(slab.source, 0);
});

test("rooms share the images, and each network has its own answers", async (t) => {
  const slab = allocateSlab(LAYOUT);
  const answerers = [
    { source: 0, classes: 4 },
    { source: 7, classes: 0 },
  ];
  const [first, second] = atLeast(await allOf(withAnswerBuffers(streamOf([slab]), answerers)), 2);
  t.deepEqual([first.source, second.source], [0, 7]);
  t.is(first.probabilities?.length, 12);
  t.is(second.probabilities, undefined);
  first.predictions.set([1, 2, 3]);
  first.probabilities?.fill(0.25);
  second.predictions.set([7, 8, 9]);
  t.deepEqual([...first.predictions, ...second.predictions], [1, 2, 3, 7, 8, 9]);
  t.deepEqual([...slab.predictions], [0, 0, 0]);
  slab.pixels.fill(9);
  t.deepEqual([...second.pixels], [...slab.pixels]);
  // What a worker sees by the layout alone.
  t.deepEqual([...viewSlab(first.buffer, first).predictions], [1, 2, 3]);
});

test("memory that comes again has its room again, and a larger one where it does not suffice", async (t) => {
  const { buffer } = allocateSlab({ ...LAYOUT, count: 6 });
  const small = viewSlab(buffer, LAYOUT);
  const large = viewSlab(buffer, { ...LAYOUT, count: 6 });
  const slabs = withAnswerBuffers(streamOf([small, large, small]), [{ source: 0, classes: 4 }]);
  const [a, b, c] = (await allOf(slabs)).map(({ answers }) => answers?.buffer);
  t.not(a, b);
  t.is(b, c);
  t.is(b?.byteLength, 6 * (4 * 10 + 2));
});

// What asks for more memory than there is gets a code, and what is another's fault stays it.

const BEYOND = 2 ** 50;

test("more images than memory holds are refused by the option that lowers it", async (t) => {
  await inCase(
    t,
    "answers to more images than memory holds are refused by the option that asks for fewer",
    () => {
      const error = t.throws(() => allocateEntries(Float64Array, BEYOND, 10), { instanceOf: UsageError });
      t.is(error.code, "ERR_MEMORY");
      t.is(error.exitStatus, 2);
      t.true(error.cause instanceof RangeError);
      t.is(
        error.message,
        "not enough memory: answers to 1,125,899,906,842,624 images need 90.1 PB; lower --limit",
      );
      t.is(t.throws(() => emptyAnswers(BEYOND), { instanceOf: UsageError }).code, "ERR_MEMORY");
    },
  );

  await inCase(t, "slabs and rooms for more images than memory holds are refused by the batch size", () => {
    for (const allocate of [
      () => allocateSlab({ firstImage: 0, count: BEYOND, inputs: 4 }),
      () => allocateAnswers(BEYOND, 10),
    ]) {
      const error = t.throws(allocate, { instanceOf: UsageError });
      t.is(error.code, "ERR_MEMORY");
      t.regex(
        error.message,
        /^not enough memory: 1,125,899,906,842,624 images at once need .+ --batch-size$/,
      );
    }
  });

  await inCase(t, "a buffer that is longer than a view of it can be is refused too", () => {
    const error = t.throws(() => allocateShared(constants.MAX_LENGTH + 1, 5), { instanceOf: UsageError });
    t.is(error.code, "ERR_MEMORY");
  });
});

test("answers and slabs take as much memory as they say", async (t) => {
  await inCase(t, "answers that there is room for are zeroed, so many an image", () => {
    t.deepEqual(allocateEntries(Uint16Array, 3), Uint16Array.of(0, 0, 0));
    t.deepEqual(allocateEntries(Float64Array, 2, 2), Float64Array.of(0, 0, 0, 0));
  });

  await inCase(
    t,
    "a slab takes its pixels, its labels and its predictions, which begin at an even byte",
    () => {
      t.is(slabBytes({ count: 2, inputs: 784 }), 2 * 784 + 2 + 4);
      t.is(slabBytes({ count: 3, inputs: 4 }), 3 * 4 + 3 + 1 + 6);
      t.is(allocateSlab({ firstImage: 0, count: 3, inputs: 4 }).buffer.byteLength, 22);
    },
  );
});

test("what is thrown for another reason is thrown on", (t) => {
  const fault = new TypeError("no memory's fault");
  class Faulty extends Uint8Array {
    constructor() {
      super(1);
      throw fault;
    }
  }
  t.is(
    t.throws(() => allocateEntries(Faulty, 1)),
    fault,
  );
});
