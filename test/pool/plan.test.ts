/** The batches of a span, and how threads share them out: each is done once, and none is lost with its thread. */
import test from "ava";
import type { Batch, BatchSpan, Executor, Task } from "#src/base/contracts/executor.js";
import { SILENT } from "#src/base/contracts/run.js";
import { atLeast, RunError } from "#src/base/errors.js";
import { createEngine } from "#src/engines/registry.js";
import { createTally } from "#src/metrics/tally.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import {
  batchAt,
  batchCount,
  batchesLeftBy,
  batchesOf,
  batchesToDo,
  isAllClaimed,
  shares,
  spanOf,
} from "#src/pool/plan.js";
import { openExecutor } from "#src/pool/registry.js";
import { runBatches } from "#src/pool/run-batches.js";
import { createTaskRunner } from "#src/pool/task-runner.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";

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

// Batches shared out between threads: each is done once, and none is lost with the thread that claimed it.

const batches: BatchSpan = { firstId: 7, start: 30, images: 495, batchSize: 10 };
const BATCHES = 50;
const all = Array.from({ length: BATCHES }, (_, n) => 7 + n);
const ids = (some: Iterable<Batch>) => [...some].map(({ id }) => id);

test("two lanes side by side do each batch once", (t) => {
  const [one, two] = atLeast(
    shares(BATCHES, 2).map((sharing) => batchesToDo({ batches, sharing })),
    2,
  );
  const done: number[] = [];
  for (let n = 0; n < BATCHES; n++) {
    for (const lane of n % 3 === 0 ? [one, one, two] : [two, one]) {
      const { value, done: isOver } = lane.next();
      if (!isOver) done.push(value.id);
    }
  }
  t.deepEqual(
    done.sort((a, b) => a - b),
    all,
  );
});

test("a lane that begins again gets what it had claimed, and not what others have", (t) => {
  const [first, second] = shares(BATCHES, 2);
  const before = batchesToDo({ batches, sharing: first });
  before.next();
  before.next();
  batchesToDo({ batches, sharing: second }).next();
  t.deepEqual(ids(batchesOf({ batches, sharing: first })), [7, 8]);
  t.deepEqual(
    ids(batchesToDo({ batches, sharing: first })),
    all.filter((id) => id !== 9),
  );
});

test("a lane that fails leaves what it had claimed and what nobody had", (t) => {
  const [first, second] = atLeast(shares(BATCHES, 2), 2);
  batchesToDo({ batches, sharing: first }).next();
  batchesToDo({ batches, sharing: second }).next();
  t.false(isAllClaimed(first));
  t.deepEqual(
    ids(batchesLeftBy({ batches, sharing: first })),
    all.filter((id) => id !== 8),
  );
  t.true(isAllClaimed(second));
  t.deepEqual(ids(batchesToDo({ batches, sharing: second })), [8]);
});

test("all batches are merged although every lane fails before it has claimed one", async (t) => {
  const layers = foldPreprocessing(randomNetwork([64, 12, 10]));
  const runTask = createTaskRunner(await createEngine("simd", layers), 10);
  let failures = 2;
  const executor: Pick<Executor, "run"> = {
    async run(task: Task) {
      if (task.sharing && failures-- > 0) throw new RunError("ERR_WORKER_CRASHED", { reason: "a test's" });
      return { answers: await runTask(task), thread: 1 };
    },
  };
  const inline = await openExecutor({ engine: "simd", threads: 0, timeoutMs: 1000, warm: true }, layers, {
    images: 1,
    tasks: 1,
  });
  const tally = createTally(10);
  const outcome = await runBatches({
    slabs: randomDataset(1050).slabs({ offset: 0, limit: 1050 }, { multiple: 10, lanes: 2 }),
    executor: { ...inline, capacity: 2, ...executor },
    batchSize: 10,
    totalBatches: 105,
    taskPlan: { sizeOf: () => 200, lanes: 2 },
    retries: 1,
    signal: new AbortController().signal,
    log: SILENT,
    networkOf: () => "random",
    tallyOf: () => tally,
  });
  t.is(outcome.failure, undefined);
  t.is(tally.total, 1050);
  t.is(outcome.retries, 105);
});
