import test from "ava";
import { IncompleteError } from "#src/base/abort.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { BatchwiseError } from "#src/base/errors.js";
import { evaluate, evaluateWith } from "#src/evaluate/evaluate.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { openExecutor } from "#src/pool/registry.js";
import { signalled, spawnCli } from "../helpers/cli.js";
import { hasOnnxruntime } from "../helpers/engines.js";
import { openFaulty, QUEUED } from "../helpers/faulty.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";
import { needs, pairsOf } from "../helpers/require.js";
import { writeSuite } from "../helpers/suites.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { FAULTS, type Fault } from "../workers/faults.js";

const INPUT: EvaluateInput = {
  dataset: randomDataset(1050),
  weights: randomNetwork([64, 12, 10]),
  threads: 2,
};
const HANG_SECONDS = 1;
/** Code of the error behind a failed batch. */
const causeOf = (error: IncompleteError | undefined) =>
  error?.cause instanceof BatchwiseError ? error.cause.code : undefined;

const countsOf = ({ result, predictions }: AnyEvaluation) => ({ result, predictions });
const EXPECTED = countsOf(await evaluate({ ...INPUT, threads: 0 }));

const timeoutOf = (fault: Fault) => (fault === "hang" ? HANG_SECONDS : 60);

test("gives the same answer after one retry, whatever a worker does once", async (t) => {
  for (const [fault, queued] of pairsOf(FAULTS, QUEUED)) {
    const input = { ...INPUT, threads: 1, timeoutSeconds: timeoutOf(fault) };
    const found = await evaluateWith(openFaulty(fault, { times: 1, queued }), input);
    t.deepEqual([found.run.retries, found.run.workersStarted], [1, 2], fault);
    t.deepEqual(countsOf(found), EXPECTED, fault);
  }
});

test("gives the same answer, whatever a worker does to batches that all threads share", async (t) => {
  for (const [fault, queued] of pairsOf(FAULTS, [...QUEUED].reverse())) {
    const input = { ...INPUT, engine: "simd", batchSize: 10, timeoutSeconds: timeoutOf(fault) } as const;
    const found = await evaluateWith(openFaulty(fault, { times: 2, queued }), input);
    t.true(found.run.retries > 0, fault);
    t.deepEqual(countsOf(found), EXPECTED, fault);
  }
});

test("carries on with the other worker when one dies", async (t) => {
  const found = await evaluateWith(openFaulty("exit", { times: 3 }), { ...INPUT, retries: 3 });
  t.is(found.run.retries, 3);
  t.deepEqual(countsOf(found), EXPECTED);
});

test("names a batch that always kills its worker and keeps the rest", async (t) => {
  const run = evaluateWith(openFaulty("exit", { times: 1000, onlyBatch: 4 }), INPUT);
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
  t.is(error?.code, "ERR_BATCH_FAILED");
  t.is(error?.exitStatus, 4);
  t.regex(error?.message ?? "", /batch 4 \(images 400 to 499\) failed 3 times: a worker crashed: .*code: 7/);
  t.is(error?.partial.result.total, 950);
  t.false(error?.partial.result.complete);
  t.is(error?.partial.run.retries, 2);
});

test("names the deadline that a hanging batch passed", async (t) => {
  const run = evaluateWith(openFaulty("hang", { times: 1000, onlyBatch: 0 }), {
    ...INPUT,
    timeoutSeconds: 0.2,
    retries: 0,
  });
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
  t.is(error?.code, "ERR_BATCH_FAILED");
  t.is(causeOf(error), "ERR_BATCH_TIMEOUT");
});

test("tells an answer that cannot be true from a crash", async (t) => {
  const run = evaluateWith(openFaulty("answer a wrong count", { times: 1000, onlyBatch: 0 }), {
    ...INPUT,
    retries: 0,
  });
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
  t.is(causeOf(error), "ERR_WORKER_ANSWER");
});

test("charges a worker's nonsense to its own batch, not to the next that the worker was given", async (t) => {
  for (const queued of [0, 0, 1, 1]) {
    const run = evaluateWith(openFaulty("answer a wrong count", { times: 1000, onlyBatch: 3, queued }), {
      ...INPUT,
      retries: 0,
    });
    const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
    t.regex(error?.message ?? "", /^batch 3 .* failed 1 times: a worker's answer is invalid/);
    t.is(error?.partial.result.total, 950);
  }
});

test("does not try the whole set when nothing ever goes right", async (t) => {
  const run = evaluateWith(openFaulty("throw", { times: 100_000 }), { ...INPUT, threads: 1 });
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
  t.is(causeOf(error), "ERR_WORKER_CRASHED");
  t.is(error?.partial.result.total, 0);
  t.true((error?.partial.run.workersStarted ?? 99) <= 4);
});

test("keeps what was done when it is interrupted", async (t) => {
  const abort = new AbortController();
  const run = evaluateWith(openExecutor, INPUT, {
    signal: abort.signal,
    onProgress: ({ doneImages }) => {
      if (doneImages >= 300) abort.abort("SIGINT");
    },
  });
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
  t.is(error?.code, "ERR_INTERRUPTED");
  t.is(error?.exitStatus, 130);
  t.true((error?.partial.result.total ?? 0) >= 300);
  t.true((error?.partial.result.total ?? 9999) < 1050);
});

test("starts no more workers than there are tasks, and the coordinator computes nothing", async (t) => {
  const { run } = await evaluateWith(openExecutor, { ...INPUT, threads: 8, batchSize: 400 });
  t.is(run.workersStarted, 3);
  t.is(run.threads, 8);
  t.is(run.batchesByThread[0], 0);
  t.is(
    run.batchesByThread.reduce((a, b) => a + b),
    3,
  );
});

test("starts the time with all workers ready when it is asked to warm up", async (t) => {
  const { run, timing } = await evaluateWith(openExecutor, { ...INPUT, threads: 4, warm: true });
  t.is(run.workersStarted, 4);
  t.true(timing.evaluateMs + timing.startPoolMs <= timing.totalMs);
});

test("has a worker's own error as the cause", async (t) => {
  const run = evaluateWith(openFaulty("throw", { times: 1000, onlyBatch: 2 }), { ...INPUT, retries: 0 });
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
  t.is(causeOf(error), "ERR_WORKER_CRASHED");
  t.regex(error?.message ?? "", /out of order/);
});

const withOnnx = needs("onnxruntime", hasOnnxruntime);

withOnnx("replaces onnx's workers, which are ended between tasks alone, whatever they do", async (t) => {
  const input = { ...INPUT, engine: "onnx", batchSize: 20, retries: 9 } as const;
  const expected = await evaluate({ ...input, threads: 0 });
  for (const fault of ["throw", "exit", "answer a wrong count"] as const) {
    const found = await evaluateWith(openFaulty(fault, { times: 6 }), input);
    // A task that fails in a worker retired already is no retry.
    t.true(found.run.retries > 0 && found.run.retries <= 6, `${fault}: ${found.run.retries}`);
    t.deepEqual(countsOf(found), countsOf(expected), fault);
  }
});

withOnnx("does not cut a batch of onnx short, however little time it is given", async (t) => {
  const { run, result } = await evaluateWith(openExecutor, {
    ...INPUT,
    engine: "onnx",
    timeoutSeconds: 0.001,
  });
  t.is(run.retries, 0);
  t.is(result.total, 1050);
});

withOnnx("lets onnx's workers finish their start when there is no work left for them", async (t) => {
  // A worker that is ended while onnxruntime loads takes the process with it, about one time in four.
  const evaluations = ["first", "second", "third"].map((name) => ({
    name,
    engine: "onnx" as const,
    limit: 800,
  }));
  const suite = await writeSuite(await temporaryFolder(t), { threads: 8, evaluations });
  const { status, stderr } = await spawnCli(["check", suite, "--quiet"]);
  t.is(status, 0, stderr);
});

withOnnx("answers an interruption of onnx with the status of one", async (t) => {
  for (const batchSize of ["1", "10"]) {
    const args = ["--engine", "onnx", "--batch-size", batchSize, "--threads", "4"];
    const { status, stderr } = await spawnCli(args, signalled("SIGINT"));
    t.is(status, 130, stderr);
  }
});
