/** One answer, byte for byte as JSON, however it is computed. Node's versions: `npm run determinism`. */
import { readFile } from "node:fs/promises";
import test, { type ExecutionContext } from "ava";
import { ENGINES, type EngineName } from "#src/base/contracts/engine.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { FIXTURES } from "#src/base/package.js";
import { openDataset } from "#src/data/registry.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { openEvaluator } from "#src/evaluate/evaluator.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { BATCH_SIZES } from "../scripts/determinism-matrix.js";
import { testOf } from "./helpers/engines.js";
import { coordinateHere, startHost } from "./helpers/hosts.js";
import { redisTest, startRedis } from "./helpers/redis.js";
import { someOf } from "./helpers/require.js";

/** Images of the 10,000 that are evaluated with many thread counts; a prime, so that no batch size divides it. */
const FEW = 307;

const dataset = await openDataset({ dataset: "bundled", split: "test" });
const json = ({ result }: Pick<AnyEvaluation, "result">) => JSON.stringify(result);

const plainAnswers = new Map<string, Promise<string>>();

/** What the plain loop answers on the calling thread, in one batch. */
function plainAnswer(input: EvaluateInput): Promise<string> {
  const key = JSON.stringify(input);
  const plain = { ...input, dataset, engine: "reference", threads: 0, batchSize: 10_000 } as const;
  const answer = plainAnswers.get(key) ?? evaluate(plain).then(json);
  plainAnswers.set(key, answer);
  return answer;
}

/** Holds every batch size, in one pool of so many workers, against the answer. */
async function holdAgainst(
  t: ExecutionContext,
  expected: string,
  input: EvaluateInput & { readonly threads: number },
  batchSizes: readonly number[] = BATCH_SIZES,
): Promise<void> {
  // No more workers are started than there are batches of the size that it is opened with.
  const evaluator = await openEvaluator({ ...input, dataset, batchSize: 1 });
  try {
    for (const batchSize of batchSizes) {
      const evaluation = await evaluator.run({ batchSize });
      t.is(evaluation.run.workersStarted, input.threads);
      t.is(json(evaluation), expected, `${input.engine}, ${input.threads} threads, batches of ${batchSize}`);
    }
  } finally {
    await evaluator.close();
  }
}

test("the answer that all others are held against is NumPy's", async (t) => {
  const numpy = JSON.parse(await readFile(new URL("reference/bundled-summary.json", FIXTURES), "utf8"));
  t.like(JSON.parse(await plainAnswer({})), {
    labelled: true,
    complete: true,
    total: numpy.total,
    correct: numpy.correct,
    accuracy: numpy.correct / numpy.total,
    confusionMatrix: numpy.confusionMatrixRowsAreLabels,
  });
});

/** Batches of one image by a slow engine take a second: they are held to the answer on few images, below. */
const CORE: Readonly<
  Record<EngineName, readonly (readonly [threads: number, batchSizes: readonly number[]])[]>
> = {
  reference: [[0, [9999]]],
  "ml-matrix": [
    [0, [101]],
    [2, [33, 9999]],
  ],
  simd: [
    [0, BATCH_SIZES],
    [2, BATCH_SIZES],
  ],
  onnx: [
    [0, [101]],
    [2, [9999]],
  ],
};

async function holdCore(t: ExecutionContext, engine: EngineName): Promise<void> {
  const expected = await plainAnswer({});
  for (const [threads, batchSizes] of CORE[engine]) {
    await holdAgainst(t, expected, { engine, threads }, batchSizes);
  }
}

test("all 10,000 images, with each engine, whatever the batches", async (t) => {
  for (const engine of ENGINES.filter((name) => name !== "onnx")) await holdCore(t, engine);
});

testOf("onnx")("all 10,000 images, with onnx, whatever the batches", (t) => holdCore(t, "onnx"));

test("every batch size, with threads from 0 to 16", async (t) => {
  const few = { offset: 4700, limit: FEW };
  const expected = await plainAnswer(few);
  for (const threads of someOf([0, 1, 2, 3, 5, 16], 3))
    await holdAgainst(t, expected, { ...few, engine: "simd", threads });
  for (const threads of [0, 3]) await holdAgainst(t, expected, { ...few, engine: "ml-matrix", threads });
});

test("what is computed of probabilities and of resamples is the same too", async (t) => {
  const scored = { offset: 4700, limit: FEW, topK: 3, calibration: true, bootstrap: 50, seed: 7 };
  const expected = await plainAnswer(scored);
  t.regex(expected, /"logLoss":0\.\d+/);
  t.regex(expected, /"macroF1Interval95":{"low":0\.\d+/);
  for (const engine of ["reference", "ml-matrix", "simd"] as const) {
    for (const threads of [0, 3]) {
      await holdAgainst(t, expected, { ...scored, engine, threads }, [1, 33, FEW + 1]);
    }
  }
});

redisTest("bullmq: two hosts, whatever the jobs and batches", async (t) => {
  const expected = await plainAnswer({});
  const { url } = await startRedis(t);
  for (let host = 0; host < 2; host++) startHost(t, url);
  for (const [engine, batchSize, jobImages] of [
    ["simd", 7, 333],
    ["simd", 10_001, 4999],
    ["ml-matrix", 101, 1009],
  ] as const) {
    const evaluation = await coordinateHere(url, { engine, batchSize }, { jobImages });
    t.is(json(evaluation), expected, `${engine}, batches of ${batchSize}, jobs of ${jobImages}`);
  }
});
