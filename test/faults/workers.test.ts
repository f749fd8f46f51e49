/** Workers that fail again and again, and what is told of it. Those that fail once: test/pool/local-pool.test.ts. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import test from "ava";
import { IncompleteError } from "#src/base/abort.js";
import { atLeast } from "#src/base/errors.js";
import { evaluate, evaluateWith } from "#src/evaluate/evaluate.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { recordFault } from "../helpers/fault-table.js";
import { openBroken, openFaulty, QUEUED } from "../helpers/faulty.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";
import { pairsOf } from "../helpers/require.js";
import { FAULTS, type Fault } from "../workers/faults.js";

const INPUT: EvaluateInput = {
  dataset: randomDataset(1050),
  weights: randomNetwork([64, 12, 10]),
  threads: 2,
};

/** Every number of queued tasks in CI; otherwise one, in turn. */
const queuedWith = (fault: Fault) =>
  pairsOf(FAULTS, QUEUED).flatMap(([one, queued]) => (one === fault ? [queued] : []));

const EXPECTED = await evaluate({ ...INPUT, threads: 0 });

test("workers that throw at every third batch cost retries and no image", async (t) => {
  const found = await evaluateWith(openFaulty("throw", { times: 1000, every: 3 }), { ...INPUT, retries: 9 });
  t.deepEqual(found.result, EXPECTED.result);
  t.true(found.run.retries >= 3, `${found.run.retries}`);
  await recordFault({
    fault: "a worker throws at every third batch",
    status: 0,
    line: `none: ${found.run.retries} batches run again`,
    kept: "all",
  });
});

test("a batch with which workers always fail is named, and the rest is kept, whatever they do", async (t) => {
  for (const fault of FAULTS) {
    const timeoutSeconds = fault === "hang" ? 0.5 : 60;
    const errors: IncompleteError[] = [];
    for (const queued of queuedWith(fault)) {
      const open = openFaulty(fault, { times: 1000, onlyBatch: 4, queued });
      const error = await t.throwsAsync(evaluateWith(open, { ...INPUT, timeoutSeconds, retries: 1 }), {
        instanceOf: IncompleteError,
        code: "ERR_BATCH_FAILED",
      });
      t.regex(error.message, /batch 4 \(images 400 to 499\) failed 2 times/, `${fault}, ${queued} queued`);
      t.is(error.partial.result.total, 950, `${fault}, ${queued} queued`);
      errors.push(error);
    }
    const [error] = atLeast(errors, 1);
    await recordFault({
      fault: `a worker does this to one batch, always: ${fault}`,
      status: error.exitStatus,
      line: error.message,
      kept: "950 of 1,050 images",
    });
  }
});

test("workers that end while they load are replaced, as often as a batch is run again", async (t) => {
  for (const threads of [1, 2]) {
    for (const failedLoads of [1, 2]) {
      const open = openFaulty("throw", { times: 0, failedLoads });
      const found = await evaluateWith(open, { ...INPUT, threads });
      t.deepEqual(found.result, EXPECTED.result, `${failedLoads} of ${threads} threads`);
    }
    const always = evaluateWith(openFaulty("throw", { times: 0, failedLoads: 1000 }), { ...INPUT, threads });
    const error = await t.throwsAsync(always, { instanceOf: IncompleteError, code: "ERR_WORKER_LOAD" });
    t.is(error?.partial.result.total, 0);
  }
  await recordFault({
    fault: "one or two workers end while they load",
    status: 0,
    line: "none: other workers are started",
    kept: "all",
  });
});

test("a worker without a free file descriptor names the limit to raise", async (t) => {
  const run = evaluateWith(openBroken("too-many-files"), INPUT);
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError, code: "ERR_OPEN_FILES" });
  t.regex(error?.message ?? "", /too-many-files\.cjs: .*raise the limit \(ulimit -n\)$/);
});

test("a worker file that cannot be loaded ends the run by its name", async (t) => {
  for (const name of ["throws-on-load", "exits-on-load", "is-not-there"]) {
    const error = await t.throwsAsync(evaluateWith(openBroken(name), INPUT), { instanceOf: IncompleteError });
    t.deepEqual([error.code, error.exitStatus], ["ERR_WORKER_LOAD", 4], name);
    t.true(error.message.includes(`${name}.cjs`), error.message);
    await recordFault({
      fault: `a worker file that ${name.replaceAll("-", " ")}`,
      status: error.exitStatus,
      line: error.message.replace(/\S*\/workers\//g, ""),
      kept: "nothing",
    });
  }
});

test("a worker that exhausts its heap is replaced, and the process lives on", async (t) => {
  const script = fileURLToPath(new URL("heap-child.js", import.meta.url));
  // A worker's heap may be as large as the main thread's.
  const child = spawnSync(process.execPath, ["--max-old-space-size=96", script], { encoding: "utf8" });
  t.is(child.status, 0, child.stderr);
  t.deepEqual(JSON.parse(child.stdout), { result: EXPECTED.result, retries: 1 });
  await recordFault({
    fault: "a worker exhausts its heap",
    status: child.status,
    line: "none: 1 batch run again",
    kept: "all",
  });
});
