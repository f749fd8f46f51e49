/** Two works side by side. */
import { setTimeout as delay } from "node:timers/promises";
import test from "ava";
import { allOrAbort } from "#src/base/abort.js";

const run = new AbortController().signal;

test("answers both results in their order", async (t) => {
  const both = await allOrAbort(
    run,
    () => delay(10, "a"),
    async () => 2,
  );
  t.deepEqual(both, ["a", 2]);
});

test("ends the other work when one fails, waits for its end, and throws the first failure", async (t) => {
  let ended = false;
  const slow = async (signal: AbortSignal) => {
    try {
      await delay(60_000, undefined, { signal });
    } finally {
      ended = true;
    }
  };
  const fails = () => Promise.reject(new Error("first"));
  await t.throwsAsync(allOrAbort(run, slow, fails), { message: "first" });
  t.true(ended);
  ended = false;
  await t.throwsAsync(allOrAbort(run, fails, slow), { message: "first" });
  t.true(ended);
});

test("ends both when the run is aborted", async (t) => {
  const stop = new AbortController();
  const work = (signal: AbortSignal) => delay(60_000, undefined, { signal });
  const running = allOrAbort(stop.signal, work, work);
  stop.abort();
  await t.throwsAsync(running, { name: "AbortError" });
});
