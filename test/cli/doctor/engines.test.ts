import test from "ava";
import { ENGINES } from "#src/base/contracts/network.js";
import type { ResultCounts } from "#src/base/contracts/result.js";
import { RunError } from "#src/base/errors.js";
import { checkEngine, checkEngines, type EvaluateBundled } from "#src/cli/doctor/checks.js";
import { evaluate } from "#src/evaluate/evaluate.js";

const whole = await evaluate({ limit: 200, threads: 0 });
const { correct, total, confusionMatrix } = whole.result;
const EXPECTED = { correct, total, confusionMatrixRowsAreLabels: confusionMatrix };

const answering = (result: Partial<ResultCounts>): EvaluateBundled => {
  return async () => ({ ...whole, result: { ...whole.result, ...result } });
};
const throwing = (error: unknown): EvaluateBundled => {
  return async () => {
    throw error;
  };
};

test("an engine that gives the expected answer is ok", async (t) => {
  const { name, state, found } = await checkEngine("simd", EXPECTED, answering({}));
  t.deepEqual([name, state], ["Engine simd", "ok"]);
  t.regex(found, new RegExp(`^${correct} of 200 right, as expected, in \\d+ ms`));
});

test("an engine with another count fails, and so does one whose faults cancel out in the count", async (t) => {
  const counted = await checkEngine(
    "simd",
    { ...EXPECTED, confusionMatrixRowsAreLabels: [] },
    answering({ correct: 3 }),
  );
  t.is(counted.state, "failed");
  t.is(counted.found, `3 of 200 right, expected ${correct} of 200 right and the same confusion matrix`);
  const swapped = [confusionMatrix[1], confusionMatrix[0], ...confusionMatrix.slice(2)];
  t.is((await checkEngine("simd", EXPECTED, answering({ confusionMatrix: swapped }))).state, "failed");
});

test("an engine that throws fails with its reason", async (t) => {
  const error = new RunError("ERR_WORKER_CRASHED", { reason: "out of memory" });
  const { state, found } = await checkEngine("simd", EXPECTED, throwing(error));
  t.deepEqual([state, found], ["failed", "a worker died: out of memory"]);
});

test("an interruption is no engine's fault", async (t) => {
  const error = new RunError("ERR_INTERRUPTED", { doneImages: 1, totalImages: 2 });
  t.is(await t.throwsAsync(checkEngine("simd", EXPECTED, throwing(error))), error);
});

test("bundled data that cannot be read fail by themselves, and no engine is checked", async (t) => {
  const unreadable = async () => {
    throw new RunError("ERR_INTERNAL", { problem: "torn" });
  };
  const [data, ...engines] = await checkEngines(new AbortController().signal, unreadable);
  t.deepEqual([data.name, data.state], ["Bundled data", "failed"]);
  t.regex(data.found, /torn/);
  t.deepEqual(
    engines.map(({ name, state }) => [name, state]),
    ENGINES.map((engine) => [`Engine ${engine}`, "warning"]),
  );
});
