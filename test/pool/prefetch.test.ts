/** One is made ahead of those who ask. */
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { prefetch } from "#src/pool/plan.js";

const all = () => true;

/** 0 to `count`, exclusive; tells what was made, and whether it was closed. */
function counting(count: number) {
  const made: number[] = [];
  const state = { made, isClosed: false };
  async function* source(): AsyncGenerator<number, undefined> {
    try {
      for (let n = 0; n < count; n++) {
        made.push(n);
        yield n;
      }
    } finally {
      state.isClosed = true;
    }
  }
  return { source: source(), state };
}

test("the second is made before anybody asks for it, and the third is not", async (t) => {
  const { source, state } = counting(5);
  const ahead = prefetch(source, all);
  t.deepEqual(state.made, []);
  t.is(await ahead.next(), 0);
  t.deepEqual(state.made, [0]);
  await setImmediate();
  await setImmediate();
  t.deepEqual(state.made, [0, 1]);
  await sleep(5);
  t.deepEqual(state.made, [0, 1]);
  t.is(await ahead.next(), 1);
  await ahead.end();
});

test("each comes once, to however many ask at once, and then nothing", async (t) => {
  const ahead = prefetch(counting(20).source, all);
  const got: number[] = [];
  const take = async () => {
    for (let n = await ahead.next(); n !== undefined; n = await ahead.next()) got.push(n);
  };
  await Promise.all([take(), take(), take()]);
  t.deepEqual(
    got.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, n) => n),
  );
  t.is(await ahead.next(), undefined);
});

test("what is of no more use when it is asked for is left out", async (t) => {
  let least = 0;
  const ahead = prefetch(counting(9).source, (n) => n >= least);
  t.is(await ahead.next(), 0);
  await setImmediate();
  least = 7;
  t.is(await ahead.next(), 7);
  t.is(await ahead.next(), 8);
  t.is(await ahead.next(), undefined);
});

test("an end closes the source, with one made ahead or none", async (t) => {
  for (const taken of [0, 1, 2]) {
    const { source, state } = counting(5);
    const ahead = prefetch(source, all);
    for (let n = 0; n < taken; n++) await ahead.next();
    await ahead.end();
    await setImmediate();
    await setImmediate();
    t.is(state.isClosed, taken > 0);
    t.is(await ahead.next(), undefined);
    t.is(state.made.length, taken);
  }
});

test("a fault of what was made ahead is told to who asks for it, and to nobody where nobody does", async (t) => {
  async function* source(): AsyncGenerator<number, undefined> {
    yield 1;
    throw new Error("torn");
  }
  const ahead = prefetch(source(), all);
  t.is(await ahead.next(), 1);
  // A rejection that nobody handles would end the process here.
  await sleep(5);
  await t.throwsAsync(ahead.next(), { message: "torn" });
  t.is(await ahead.next(), undefined);
  const unasked = prefetch(source(), all);
  await unasked.next();
  await sleep(5);
  await unasked.end();
});
