import test from "ava";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { BatchwiseError } from "#src/base/errors.js";
import { IncompleteError } from "#src/base/incomplete.js";
import { evaluateWith } from "#src/evaluate/evaluate.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { openExecutor } from "#src/pool/registry.js";
import { spawnCli } from "../helpers/cli.js";
import { hasOnnxruntime } from "../helpers/engines.js";
import { openBroken, openFaulty } from "../helpers/faulty.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";
import { needs } from "../helpers/require.js";
import { FAULTS } from "../workers/faults.js";

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

for (const fault of FAULTS) {
  test(`gives the same answer after one retry when a worker does this once: ${fault}`, async (t) => {
    const expected = await evaluateWith(openExecutor, INPUT);
    const timeoutSeconds = fault === "hang" ? HANG_SECONDS : 60;
    const found = await evaluateWith(openFaulty(fault, { times: 1 }), {
      ...INPUT,
      threads: 1,
      timeoutSeconds,
    });
    t.is(found.run.retries, 1);
    t.is(found.run.workersStarted, 2);
    t.deepEqual(countsOf(found), countsOf(expected));
  });
}

for (const fault of FAULTS) {
  test(`gives the same answer when a worker does this to batches that all threads share: ${fault}`, async (t) => {
    const expected = await evaluateWith(openExecutor, INPUT);
    const timeoutSeconds = fault === "hang" ? HANG_SECONDS : 60;
    const input = { ...INPUT, engine: "simd", batchSize: 10, timeoutSeconds };
    const found = await evaluateWith(openFaulty(fault, { times: 2 }), input);
    t.true(found.run.retries > 0);
    t.deepEqual(countsOf(found), countsOf(expected));
  });
}

test("carries on with the other worker when one dies", async (t) => {
  const expected = await evaluateWith(openExecutor, INPUT);
  const found = await evaluateWith(openFaulty("exit", { times: 3 }), { ...INPUT, retries: 3 });
  t.is(found.run.retries, 3);
  t.deepEqual(countsOf(found), countsOf(expected));
});

test("names a batch that always kills its worker and keeps the rest", async (t) => {
  const run = evaluateWith(openFaulty("exit", { times: 1000, onlyBatch: 4 }), INPUT);
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
  t.is(error?.code, "ERR_BATCH_FAILED");
  t.is(error?.exitStatus, 4);
  t.regex(error?.message ?? "", /batch 4 \(images 400 to 499\) failed 3 times: a worker died: .*code: 7/);
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
  for (let round = 0; round < 10; round++) {
    const run = evaluateWith(openFaulty("answer a wrong count", { times: 1000, onlyBatch: 3 }), {
      ...INPUT,
      retries: 0,
    });
    const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
    t.regex(error?.message ?? "", /^batch 3 .* failed 1 times: a worker answered nonsense/);
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

for (const name of ["throws-on-load", "exits-on-load", "is-not-there"]) {
  test(`ends at once with a worker file that ${name.replaceAll("-", " ")}`, async (t) => {
    const error = await t.throwsAsync(evaluateWith(openBroken(name), INPUT), { instanceOf: IncompleteError });
    t.is(error?.code, "ERR_WORKER_LOAD");
    t.is(error?.exitStatus, 4);
    // Without waiting for the 30 s that a start may take.
    t.true((error?.partial.timing.totalMs ?? 1e9) < 25_000);
  });
}

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

for (const fault of ["throw", "exit", "answer a wrong count"] as const) {
  withOnnx(
    `replaces onnx's workers, which are ended between tasks alone, when they do this: ${fault}`,
    async (t) => {
      const input = { ...INPUT, engine: "onnx", batchSize: 20, retries: 9 };
      const expected = await evaluateWith(openExecutor, input);
      const found = await evaluateWith(openFaulty(fault, { times: 6 }), input);
      // A task that fails in a worker retired already is no retry.
      t.true(found.run.retries > 0 && found.run.retries <= 6, `${found.run.retries}`);
      t.deepEqual(countsOf(found), countsOf(expected));
    },
  );
}

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
  const args = ["--engine", "onnx", "--threads", "16", "--limit", "1600", "--quiet"];
  for (let round = 0; round < 5; round++) {
    const { status, stderr } = await spawnCli(args);
    t.is(status, 0, stderr);
  }
});

withOnnx("answers an interruption of onnx with the status of one", async (t) => {
  for (const batchSize of ["1", "10"]) {
    const { status, stderr } = await spawnCli(
      ["--engine", "onnx", "--batch-size", batchSize, "--threads", "4"],
      {
        onStderr: (child, text) => void (text.startsWith("evaluating") && child.kill("SIGINT")),
      },
    );
    t.is(status, 130, stderr);
  }
});
