import { setTimeout } from "node:timers/promises";
import test from "ava";
import type { Executor, Task } from "#src/base/contracts/executor.js";
import { withHeadStart } from "#src/pool/head-start.js";

const TASK: Task = {
  buffer: new SharedArrayBuffer(0),
  layout: { firstImage: 0, count: 0, inputs: 0 },
  source: 0,
  batches: { firstId: 0, start: 0, images: 0, batchSize: 1 },
};
const { signal } = new AbortController();

/** An executor that answers after a moment with its own thread number. */
function fake(thread: number): Executor {
  return {
    capacity: 2,
    workersStarted: thread,
    startMs: 0,
    warm: async () => {},
    async run() {
      await setTimeout(5);
      return { answers: [], thread };
    },
    close: async () => {},
  };
}

test("one task at a time runs on the coordinator, and none once a worker is ready", async (t) => {
  let readyCount = 0;
  const pool = {
    ...fake(1),
    get readyCount() {
      return readyCount;
    },
  };
  const executor = withHeadStart(pool, fake(0));
  const threads = async () =>
    (await Promise.all([executor.run(TASK, signal), executor.run(TASK, signal)])).map(({ thread }) => thread);
  t.deepEqual(await threads(), [0, 1]);
  t.deepEqual(await threads(), [0, 1]);
  readyCount = 1;
  t.deepEqual(await threads(), [1, 1]);
});

test("the coordinator takes tasks again after one of its own failed", async (t) => {
  const failing = { ...fake(0), run: async () => Promise.reject(new Error("out of order")) };
  const executor = withHeadStart({ ...fake(1), readyCount: 0 }, failing);
  await t.throwsAsync(executor.run(TASK, signal), { message: "out of order" });
  await t.throwsAsync(executor.run(TASK, signal), { message: "out of order" });
});
