/** Evaluations with probabilities: the same for every engine, and nothing of it where nobody asks; where data come from. */

import { resolve } from "node:path";
import test from "ava";
import type { Executor, TaskResult } from "#src/base/contracts/executor.js";
import type { Slab } from "#src/base/slab.js";
import { collectSlab } from "#src/data/stream/slab-reader.js";
import { predict } from "#src/engines/predict.js";
import { evaluate, evaluateWith } from "#src/evaluate/evaluate.js";
import { openEvaluator } from "#src/evaluate/evaluator.js";
import { datasetLocation, networkLocation } from "#src/evaluate/summarize.js";
import { scoreMetrics } from "#src/metrics/score-metrics.js";
import { sumScores } from "#src/metrics/score-sums.js";
import { openExecutor } from "#src/pool/registry.js";
import { testOf } from "./helpers/engines.js";
import { inCase } from "./helpers/in-case.js";
import { randomDataset, randomNetwork } from "./helpers/random.js";

const TOTAL = 403;
const CLASSES = 10;
const dataset = randomDataset(TOTAL, { slabImages: 150 });
const weights = randomNetwork([64, 20, 12, CLASSES]);

/** What the book's `predict` gives for all images at once. */
async function allAtOnce(): Promise<{ probabilities: Float64Array; labels: Uint8Array }> {
  const { pixels, labels } = await collectSlab(randomDataset(TOTAL), { offset: 0, limit: TOTAL });
  return { probabilities: predict(weights, { data: pixels, shape: [TOTAL, 64] }).data, labels };
}

test("scores and probabilities are those of one pass, to the bit, whatever the engine, threads and batches", async (t) => {
  for (const engine of ["ml-matrix", "simd", "reference"] as const) {
    await inCase(
      t,
      `${engine}: scores and probabilities are those of one pass, to the bit, whatever the threads and batches`,
      async () => {
        const { probabilities, labels } = await allAtOnce();
        const expected = scoreMetrics(sumScores(probabilities, labels, TOTAL, CLASSES), 3);
        const plain = await evaluate({ dataset, weights, threads: 0 });
        for (const threads of [0, 1, 2]) {
          for (const batchSize of [1, 7, 100, 333]) {
            const found = await evaluate({ dataset, weights, engine, threads, batchSize, topK: 3 });
            t.deepEqual(found.probabilities, probabilities);
            t.deepEqual(found.predictions, plain.predictions);
            t.deepEqual(found.result, { ...plain.result, scores: expected });
          }
        }
      },
    );
  }
});

testOf("onnx")("onnx: scores are of its own float32 logits, near to the others'", async (t) => {
  const { scores, ...counts } = (await evaluate({ dataset, weights, threads: 2, calibration: true })).result;
  const onnx = await evaluate({ dataset, weights, threads: 2, calibration: true, engine: "onnx" });
  t.is(onnx.run.engine, "onnx");
  t.deepEqual({ ...onnx.result, scores: null }, { ...counts, scores: null });
  t.true(Math.abs((onnx.result.scores?.logLoss ?? 0) - (scores?.logLoss ?? 1)) < 1e-5);
});

test("ml-matrix computes the probabilities that simd is asked for, and the answer says so", async (t) => {
  const { run } = await evaluate({ dataset, weights, engine: "simd", threads: 0, probabilities: true });
  t.is(run.engine, "ml-matrix");
});

test("a plain run has no room for probabilities, answers no scores and tells no timeline", async (t) => {
  const results: TaskResult[] = [];
  const slabs: Slab[] = [];
  const evaluation = await evaluateWith(
    async (...given) => noting(results, await openExecutor(...given)),
    { dataset, weights, threads: 2 },
    { onSlab: (slab) => void slabs.push(slab) },
  );
  t.is(results.length, 5);
  t.true(results.every(({ answers }) => answers.every(({ scores }) => scores === null)));
  t.true(slabs.every(({ answers, probabilities }) => answers === undefined && probabilities === undefined));
  t.is(evaluation.probabilities, null);
  t.deepEqual(evaluation.timeline, []);
  t.true(evaluation.result.labelled && evaluation.result.scores === null);
});

test("each batch has its place in the timeline, on the thread that computed it, within the run", async (t) => {
  const { timeline, run, timing } = await evaluate({
    dataset,
    weights,
    threads: 2,
    batchSize: 50,
    probabilities: true,
  });
  t.deepEqual(
    timeline.map(({ batch }) => batch).sort((a, b) => a - b),
    Array.from({ length: 9 }, (_, batch) => batch),
  );
  t.deepEqual(
    run.batchesByThread.map((_, thread) => timeline.filter((entry) => entry.thread === thread).length),
    run.batchesByThread,
  );
  for (const { startMs, elapsedMs } of timeline) {
    t.true(startMs >= 0 && startMs + elapsedMs <= timing.evaluateMs + 1, `${startMs} + ${elapsedMs}`);
  }
});

test("of very many batches the timeline tells every second, and the scores are of all", async (t) => {
  const many = randomDataset(10_001);
  const { timeline, run, result } = await evaluate({
    dataset: many,
    weights,
    threads: 0,
    batchSize: 1,
    probabilities: true,
  });
  t.is(run.batches, 10_001);
  t.is(
    result.scores?.reliability.reduce((sum, bin) => sum + bin.total, 0),
    10_001,
  );
  t.deepEqual(
    timeline.map(({ batch }) => batch),
    Array.from({ length: 5001 }, (_, n) => 2 * n),
  );
});

test("top-k counts the k asked for, five unless told, and no more than there are classes", async (t) => {
  const kOf = async (input: object) =>
    (await evaluate({ dataset, weights, threads: 0, ...input })).result.scores?.topK.k;
  t.is(await kOf({ topK: "2" }), 2);
  t.is(await kOf({ calibration: true }), 5);
  t.is(await kOf({ topK: 99 }), CLASSES);
  t.is(await kOf({ calibration: false }), undefined);
});

test("the best class alone is the accuracy, and all classes are everything", async (t) => {
  const one = await evaluate({ dataset, weights, threads: 0, topK: 1 });
  t.is(one.result.scores?.topK.correct, one.result.correct);
  const all = await evaluate({ dataset, weights, threads: 0, topK: CLASSES });
  t.is(all.result.scores?.topK.accuracy, 1);
});

test("a bootstrap of the same seed gives the same interval, around macro F1, without probabilities", async (t) => {
  const input = { dataset, weights, threads: 0, bootstrap: 200 };
  const { result } = await evaluate(input);
  const { low = 1, high = 0, ...asked } = result.macroF1Interval95 ?? {};
  t.deepEqual(asked, { resamples: 200, seed: 1 });
  t.true(low < result.averages.macro.f1 && result.averages.macro.f1 < high);
  t.is(result.scores, null);
  t.deepEqual((await evaluate({ ...input, threads: 2 })).result, result);
  t.notDeepEqual((await evaluate({ ...input, seed: 2 })).result.macroF1Interval95, result.macroF1Interval95);
});

test("a warm evaluator gives the same probabilities in every run", async (t) => {
  const { probabilities } = await allAtOnce();
  const evaluator = await openEvaluator({ dataset, weights, threads: 2, calibration: true, offset: 20 });
  t.teardown(() => evaluator.close());
  for (const batchSize of [100, 7]) {
    t.deepEqual((await evaluator.run({ batchSize })).probabilities, probabilities.slice(20 * CLASSES));
  }
});

test("images without labels have probabilities and no scores", async (t) => {
  const { result, probabilities } = await evaluate({
    dataset: { ...dataset, facts: { ...dataset.facts, labelsPath: undefined } },
    weights,
    threads: 0,
    labels: false,
    probabilities: true,
  });
  t.false(result.labelled);
  t.deepEqual(probabilities, (await allAtOnce()).probabilities);
});

function noting(results: TaskResult[], executor: Executor): Executor {
  return {
    ...executor,
    async run(task, signal) {
      const result = await executor.run(task, signal);
      if (task.batches.images > 0) results.push(result);
      return result;
    },
  };
}

test("names stay as they were given, and paths become absolute", (t) => {
  t.deepEqual(datasetLocation({ dataset: "bundled", labels: undefined, classes: "names.txt" }), {
    dataset: "bundled",
    labels: null,
    classes: resolve("names.txt"),
  });
  t.deepEqual(datasetLocation({ dataset: "./bundled", labels: "l.gz", classes: undefined }), {
    dataset: resolve("bundled"),
    labels: resolve("l.gz"),
    classes: null,
  });
  t.is(datasetLocation({ dataset: "x", labels: false, classes: undefined })?.labels, null);
  t.deepEqual(
    networkLocation({
      ...{ weights: "w.npz", activation: "relu", architecture: "a.json", normalize: "none" },
      ...{ mean: undefined, std: 2 },
    }),
    {
      weights: resolve("w.npz"),
      activation: "relu",
      architecture: resolve("a.json"),
      normalize: "none",
      mean: null,
      std: 2,
    },
  );
  const nothing = {
    activation: undefined,
    architecture: undefined,
    normalize: undefined,
    mean: undefined,
    std: undefined,
  };
  t.is(networkLocation({ weights: "book", ...nothing })?.weights, "book");
});

test("an evaluation of the package's own says where they are, and one of open data and network does not", async (t) => {
  const named = await evaluate({ threads: 0, limit: 10 });
  t.deepEqual(named.dataset.location, { dataset: "bundled", labels: null, classes: null });
  t.deepEqual(named.network.location, {
    weights: "bundled",
    activation: null,
    architecture: null,
    normalize: null,
    mean: null,
    std: null,
  });
  const open = await evaluate({ dataset: randomDataset(10), weights: randomNetwork([64, 10]), threads: 0 });
  t.is(open.dataset.location, null);
  t.is(open.network.location, null);
  t.is(open.predictionsFile, null);
});
