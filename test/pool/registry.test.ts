/** Executors: when workers start, who computes until then, and several networks in one. */

import { setTimeout } from "node:timers/promises";
import test from "ava";
import type { EngineName, OnnxModel } from "#src/base/contracts/engine.js";
import type { Executor, Task } from "#src/base/contracts/executor.js";
import { SILENT } from "#src/base/contracts/run.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { withAnswerBuffers } from "#src/base/slab.js";
import { evaluate, evaluateWith, type OpenExecutor } from "#src/evaluate/evaluate.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { createTally } from "#src/metrics/tally.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { withCoordinator } from "#src/pool/head-start.js";
import { taskOf } from "#src/pool/plan.js";
import { openExecutor, openSharedExecutor } from "#src/pool/registry.js";
import { runBatches } from "#src/pool/run-batches.js";
import { allOf } from "../helpers/all-of.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";

const INPUT: EvaluateInput = {
  dataset: randomDataset(1050),
  weights: randomNetwork([64, 12, 10]),
  engine: "simd",
  threads: 2,
};
/** As if there were far more images, so that workers are worth their start. */
const openLarge: OpenExecutor = (options, layers, { tasks }) =>
  openExecutor(options, layers, { tasks, images: 1e12 });
const openLargeWarm: OpenExecutor = async (...args) => {
  const executor = await openLarge(...args);
  await executor.warm();
  return executor;
};

test("simd does little work on the coordinator, without workers", async (t) => {
  const { run } = await evaluateWith(openExecutor, { ...INPUT, threads: 8 });
  t.is(run.workersStarted, 0);
  t.deepEqual(run.batchesByThread, [11, 0]);
});

test("simd starts workers for little work too when it is asked to warm up", async (t) => {
  const { run } = await evaluateWith(openExecutor, { ...INPUT, warm: true });
  t.is(run.workersStarted, 2);
  t.is(run.batchesByThread[0], 0);
});

test("simd computes on the coordinator and in workers, on as many threads as allowed", async (t) => {
  const { run, predictions } = await evaluateWith(openLargeWarm, INPUT);
  t.is(run.workersStarted, 1);
  t.is(run.batchesByThread[2], 0);
  t.deepEqual(predictions, (await evaluateWith(openExecutor, INPUT)).predictions);
});

test("simd begins on the coordinator while workers start", async (t) => {
  const { run, predictions } = await evaluateWith(openLarge, INPUT);
  t.is(run.workersStarted, 1);
  t.true((run.batchesByThread[0] ?? 0) > 0);
  t.deepEqual(predictions, (await evaluateWith(openExecutor, INPUT)).predictions);
});

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
    threads: 2,
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

test("a task runs on the coordinator while that is free, and in a worker otherwise", async (t) => {
  const executor = withCoordinator({ ...fake(1), readyCount: 1 }, fake(0));
  t.is(executor.capacity, fake(1).capacity + 1);
  const threads = async () =>
    (await Promise.all([executor.run(TASK, signal), executor.run(TASK, signal)])).map(({ thread }) => thread);
  t.deepEqual(await threads(), [0, 1]);
  t.deepEqual(await threads(), [0, 1]);
});

test("the coordinator takes tasks again after one of its own failed", async (t) => {
  const failing = { ...fake(0), run: async () => Promise.reject(new Error("out of order")) };
  const executor = withCoordinator({ ...fake(1), readyCount: 0 }, failing);
  await t.throwsAsync(executor.run(TASK, signal), { message: "out of order" });
  await t.throwsAsync(executor.run(TASK, signal), { message: "out of order" });
});

// Several networks in one executor: each slab is answered by each.

const TOTAL = 503;
const dataset = randomDataset(TOTAL, { slabImages: 200, classes: 8 });
const NETWORKS = [randomNetwork([64, 20, 10]), randomNetwork([64, 8], "relu", 2)] as const;

/** What the engines of layers refuse. */
const MODEL: OnnxModel = {
  name: "model.onnx",
  sha256: "0".repeat(64),
  preprocessing: { kind: "none" },
  assumptions: [],
  input: { name: "images", type: "float32", shape: [64], batch: undefined },
  output: { name: "logits", classes: 10, kind: "logits", holds: "logits" },
  bytes: new Uint8Array(0),
};

const PAIRS: readonly (readonly [EngineName, EngineName])[] = [
  ["ml-matrix", "ml-matrix"],
  ["simd", "simd"],
  ["ml-matrix", "simd"],
];

test("two networks answer side by side what each answers alone, whatever the threads and engines", async (t) => {
  const alone = await Promise.all(NETWORKS.map((weights) => evaluate({ dataset, weights, threads: 0 })));
  for (const threads of [0, 2]) {
    for (const engines of PAIRS) {
      const how = `${engines.join(" and ")} with ${threads} threads`;
      const executor = await openSharedExecutor(
        { threads, timeoutMs: 30_000, warm: true },
        NETWORKS.map((network, n) => ({ engine: engines[n]!, source: foldPreprocessing(network) })),
        { images: TOTAL, tasks: 12 },
      );
      const tallies = [createTally(10), createTally(8)];
      const predictions = NETWORKS.map(() => new Uint16Array(TOTAL));
      const { failure, batches } = await runBatches({
        slabs: withAnswerBuffers(dataset.slabs({ offset: 0, limit: TOTAL }, { multiple: 50, lanes: 1 }), [
          { source: 0, classes: 0 },
          { source: 1, classes: 0 },
        ]),
        executor,
        batchSize: 50,
        totalBatches: 22,
        taskPlan: { sizeOf: () => 2, lanes: 1 },
        retries: 0,
        signal: new AbortController().signal,
        log: SILENT,
        networkOf: ({ source }) => NETWORKS[source]!.name,
        tallyOf: ({ source }) => tallies[source]!,
        onSlab: (slab) => predictions[slab.source]!.set(slab.predictions, slab.firstImage),
      });
      await executor.close();
      t.is(failure, undefined, how);
      t.is(batches, 22, how);
      for (const [n, one] of alone.entries()) {
        t.deepEqual(predictions[n], one.predictions, how);
        t.deepEqual([tallies[n]?.correct, tallies[n]?.total], [one.result.correct, TOTAL], how);
      }
    }
  }
});

test("a network that no task names is never made", async (t) => {
  const source = foldPreprocessing(NETWORKS[0]);
  const executor = await openSharedExecutor(
    { threads: 0, timeoutMs: 30_000, warm: false },
    [
      { engine: "reference", source },
      { engine: "reference", source: MODEL },
    ],
    { images: TOTAL, tasks: 1 },
  );
  t.teardown(() => executor.close());
  const [slab] = atLeast(await allOf(dataset.slabs({ offset: 0, limit: 10 }, { multiple: 10, lanes: 1 })), 1);
  const task = taskOf(slab, { firstId: 0, start: 0, images: 10, batchSize: 10 });
  const { signal } = new AbortController();
  t.is((await executor.run(task, signal)).answers.length, 1);
  const error = await t.throwsAsync(executor.run({ ...task, source: 1 }, signal), {
    instanceOf: NetworkError,
  });
  t.is(error.code, "ERR_NETWORK_LAYERS");
});
