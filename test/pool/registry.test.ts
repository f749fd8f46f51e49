import test from "ava";
import { evaluateWith, type OpenExecutor } from "#src/evaluate/evaluate.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { openExecutor } from "#src/pool/registry.js";
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

test("simd leaves all work to workers that are ready", async (t) => {
  const { run, predictions } = await evaluateWith(openLargeWarm, INPUT);
  t.is(run.workersStarted, 2);
  t.is(run.batchesByThread[0], 0);
  t.deepEqual(predictions, (await evaluateWith(openExecutor, INPUT)).predictions);
});

test("simd begins on the coordinator while workers start", async (t) => {
  const { run, predictions } = await evaluateWith(openLarge, { ...INPUT, threads: 1 });
  t.is(run.workersStarted, 1);
  t.true(run.batchesByThread[0] > 0);
  t.deepEqual(predictions, (await evaluateWith(openExecutor, INPUT)).predictions);
});
