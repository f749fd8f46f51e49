import test from "ava";
import { allocateSlab, type Slab, viewSlab, withRooms } from "#src/base/slab.js";
import { allOf } from "../helpers/all-of.js";

const LAYOUT = { firstImage: 5, count: 3, inputs: 5 };

async function* of(...slabs: readonly Slab[]): AsyncGenerator<Slab> {
  yield* slabs;
}

test("a slab alone has room for predictions behind its labels, at an even byte", (t) => {
  const slab = allocateSlab(LAYOUT);
  t.is(slab.buffer.byteLength, 3 * (5 + 3));
  t.is(slab.predictions.byteOffset, 18);
  t.is(slab.probabilities, undefined);
  t.is(slab.room, undefined);
  t.is(slab.source, 0);
});

test("rooms share the images, and each network has its own answers", async (t) => {
  const slab = allocateSlab(LAYOUT);
  const answerers = [
    { source: 0, classes: 4 },
    { source: 7, classes: 0 },
  ];
  const [first, second] = await allOf(withRooms(of(slab), answerers));
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
  const slabs = withRooms(of(small, large, small), [{ source: 0, classes: 4 }]);
  const [a, b, c] = (await allOf(slabs)).map(({ room }) => room?.buffer);
  t.not(a, b);
  t.is(b, c);
  t.is(b?.byteLength, 6 * (4 * 10 + 2));
});
