import test from "ava";
import { IncompleteError } from "#src/base/abort.js";
import type { Executor } from "#src/base/contracts/executor.js";
import { UsageError } from "#src/base/errors.js";
import { allocateSlab, streamOf } from "#src/base/slab.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { openEvaluator, openEvaluatorWith } from "#src/evaluate/evaluator.js";
import type { OpenExecutor } from "#src/evaluate/local-runner.js";
import { batchesToDo } from "#src/pool/plan.js";
import { openExecutor } from "#src/pool/registry.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";

const TOTAL = 503;
const dataset = randomDataset(TOTAL);
const weights = randomNetwork([64, 20, 10]);

test("a warm pool gives run after run, of any batch size, what evaluate gives", async (t) => {
  for (const engine of ["ml-matrix", "simd"] as const) {
    const expected = await evaluate({ dataset, weights, engine, threads: 0, offset: 20, limit: 400 });
    const evaluator = await openEvaluator({ dataset, weights, engine, threads: 2, offset: 20, limit: 400 });
    t.teardown(() => evaluator.close());
    for (const batchSize of [100, 7, 400, undefined]) {
      const { result, predictions, run } = await evaluator.run({ batchSize });
      t.deepEqual(result, expected.result, engine);
      t.deepEqual(predictions, expected.predictions, engine);
      t.like(run, {
        batchSize: batchSize ?? 100,
        batches: Math.ceil(400 / (batchSize ?? 100)),
        workersStarted: 2,
      });
    }
  }
});

test("loads once: the second answer tells no loading", async (t) => {
  let loads = 0;
  const counted: typeof dataset = {
    ...dataset,
    slabs(range, multiple) {
      loads++;
      return dataset.slabs(range, multiple);
    },
  };
  const evaluator = await openEvaluator({ dataset: counted, weights, threads: 0 });
  const first = await evaluator.run();
  const second = await evaluator.run();
  await evaluator.close();
  t.is(loads, 1);
  t.true(first.timing.loadMs > 0);
  t.true(first.timing.totalMs > first.timing.loadMs);
  t.is(second.timing.loadMs, 0);
});

test("runs asked for side by side follow each other, and closing waits for them", async (t) => {
  const evaluator = await openEvaluator({ dataset, weights, threads: 1 });
  const runs = Promise.all([evaluator.run(), evaluator.run({ batchSize: 9 })]);
  await evaluator.close();
  const [a, b] = await runs;
  t.deepEqual(a.predictions, b.predictions);
  const error = await t.throwsAsync(evaluator.run(), { instanceOf: UsageError });
  t.is(error?.code, "ERR_EVALUATOR_CLOSED");
  t.is(error?.exitStatus, 2);
});

test("a run that was interrupted keeps what was done, and the next is whole", async (t) => {
  const evaluator = await openEvaluator({ dataset, weights, threads: 2, batchSize: 10 });
  t.teardown(() => evaluator.close());
  const abort = new AbortController();
  const interrupted = evaluator.run({ signal: abort.signal, onProgress: () => abort.abort() });
  const error = await t.throwsAsync(interrupted, { instanceOf: IncompleteError });
  t.is(error?.code, "ERR_INTERRUPTED");
  t.true((error?.partial.result.total ?? TOTAL) < TOTAL);
  const { result, predictions } = await evaluator.run();
  t.true(result.complete);
  t.deepEqual(predictions, (await evaluate({ dataset, weights, threads: 0 })).predictions);
});

test("refuses a batch size that evaluate refuses", async (t) => {
  const evaluator = await openEvaluator({ dataset, weights, threads: 0 });
  t.teardown(() => evaluator.close());
  const error = await t.throwsAsync(evaluator.run({ batchSize: 0 }), { instanceOf: UsageError });
  t.is(error?.code, "ERR_OPTION_VALUE");
});

test("an answer that was not written is not the last run's answer", async (t) => {
  const evaluator = await openEvaluatorWith(
    async (...given) => doingNothingAfter(1, await openExecutor(...given)),
    { dataset, weights, threads: 0, batchSize: TOTAL, retries: 0 },
  );
  t.teardown(() => evaluator.close());
  const first = await evaluator.run();
  t.true(first.evaluation.predictions.every((prediction) => prediction < 10));
  const second = await evaluator.run();
  t.true(second.evaluation.predictions.every((prediction) => prediction >= 10));
});

test("closes its executor when the opening fails", async (t) => {
  let closed = 0;
  const opening = openEvaluatorWith(
    async (...given) => ({
      ...(await openExecutor(...given)),
      warm: () => Promise.reject(new Error("cold")),
      close: async () => void closed++,
    }),
    { dataset, weights, threads: 0 },
  );
  await t.throwsAsync(opening, { message: "cold" });
  t.is(closed, 1);
});

test("refuses a set larger than memory by its size, and closes its executor", async (t) => {
  let closed = 0;
  const huge: typeof dataset = {
    ...dataset,
    facts: { ...dataset.facts, total: 10 ** 12 },
    slabs: () => t.fail("images were requested") as never,
  };
  const open: OpenExecutor = async (...given) => ({
    ...(await openExecutor(...given)),
    close: async () => void closed++,
  });
  const input = { dataset: huge, weights, threads: 0, limit: 2 ** 32 };
  const error = await t.throwsAsync(openEvaluatorWith(open, input), { instanceOf: UsageError });
  t.is(error.code, "ERR_MEMORY");
  t.is(closed, 1);
  t.regex(
    error.message,
    /^not enough memory: data set "random", 4,294,967,296 images at once need 288 GB, at most [\d.]+ .B are available; lower --limit, or use evaluate, which streams the images$/,
  );
});

test("counts the probabilities where these are asked for", async (t) => {
  const huge = { ...dataset, facts: { ...dataset.facts, total: 2 ** 32 } };
  const input = { dataset: huge, weights, threads: 0, probabilities: true };
  const error = await t.throwsAsync(openEvaluator(input), { instanceOf: UsageError });
  t.is(error.code, "ERR_MEMORY");
  // Pixels, label and prediction; room for predictions, ten probabilities and their ranking; the answer without it.
  t.like(error.facts, { bytes: 2 ** 32 * (64 + 3 + (100 + 2) + (80 + 2)) });
});

test("a set that the sizes allow and the system has no memory for is refused likewise", async (t) => {
  const starved: typeof dataset = {
    ...dataset,
    slabs: ({ offset }) => streamOf([allocateSlab({ firstImage: offset, count: 2 ** 50, inputs: 64 })]),
  };
  const opening = openEvaluator({ dataset: starved, weights, threads: 0 });
  const error = await t.throwsAsync(opening, { instanceOf: UsageError });
  t.is((error.cause as UsageError).code, "ERR_MEMORY");
  t.is(
    error.message,
    'not enough memory: data set "random", 503 images at once need 33.7 kB; lower --limit, or use evaluate, which streams the images',
  );
});

/** An inline executor that, after so many tasks, answers without having looked at the images. */
function doingNothingAfter(tasks: number, executor: Executor): Executor {
  let left = tasks;
  return {
    ...executor,
    async run(task, signal) {
      if (left-- > 0) return executor.run(task, signal);
      return {
        thread: 0,
        answers: [...batchesToDo(task)].map(({ id }) => ({
          id,
          correct: 0,
          recomputed: 0,
          startedAtMs: 0,
          elapsedMs: 0,
          scores: null,
        })),
      };
    },
  };
}
