/** What asks for more memory than there is gets a code, and what is another's fault stays it. */
import { constants } from "node:buffer";
import test from "ava";
import { takeAnswers, takeShared } from "#src/base/allocate.js";
import { UsageError } from "#src/base/errors.js";
import { allocateRoom, allocateSlab, slabBytes } from "#src/base/slab.js";
import { emptyAnswers } from "#src/evaluate/compare/summary.js";

const BEYOND = 2 ** 50;

test("answers to more images than memory holds are refused by the option that asks for fewer", (t) => {
  const error = t.throws(() => takeAnswers(Float64Array, BEYOND, 10), { instanceOf: UsageError });
  t.is(error.code, "ERR_MEMORY");
  t.is(error.exitStatus, 2);
  t.true(error.cause instanceof RangeError);
  t.is(
    error.message,
    "answers to 1,125,899,906,842,624 images: expected 90,071,992,547,409,920 bytes of memory, found fewer; ask for less with --limit",
  );
  t.is(t.throws(() => emptyAnswers(BEYOND), { instanceOf: UsageError }).code, "ERR_MEMORY");
});

test("answers that there is room for are zeroed, so many an image", (t) => {
  t.deepEqual(takeAnswers(Uint16Array, 3), Uint16Array.of(0, 0, 0));
  t.deepEqual(takeAnswers(Float64Array, 2, 2), Float64Array.of(0, 0, 0, 0));
});

test("slabs and rooms for more images than memory holds are refused by the batch size", (t) => {
  for (const allocate of [
    () => allocateSlab({ firstImage: 0, count: BEYOND, inputs: 4 }),
    () => allocateRoom(BEYOND, 10),
  ]) {
    const error = t.throws(allocate, { instanceOf: UsageError });
    t.is(error.code, "ERR_MEMORY");
    t.regex(error.message, /^1,125,899,906,842,624 images at once: .+ --batch-size$/);
  }
});

test("a buffer that is longer than a view of it can be is refused too", (t) => {
  const error = t.throws(() => takeShared(constants.MAX_LENGTH + 1, 5), { instanceOf: UsageError });
  t.is(error.code, "ERR_MEMORY");
});

test("a slab takes its pixels, its labels and its predictions, which begin at an even byte", (t) => {
  t.is(slabBytes({ count: 2, inputs: 784 }), 2 * 784 + 2 + 4);
  t.is(slabBytes({ count: 3, inputs: 4 }), 3 * 4 + 3 + 1 + 6);
  t.is(allocateSlab({ firstImage: 0, count: 3, inputs: 4 }).buffer.byteLength, 22);
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
    t.throws(() => takeAnswers(Faulty, 1)),
    fault,
  );
});
