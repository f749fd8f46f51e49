/** `--resume`: journals that are torn, damaged, locked, of another run, or finished. */
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { IncompleteError } from "#src/base/abort.js";
import { atLeast, FileError, RunError } from "#src/base/errors.js";
import { type EvaluateHooks, evaluate, evaluateWith, type OpenExecutor } from "#src/evaluate/evaluate.js";
import { openEvaluator } from "#src/evaluate/evaluator.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { openExecutor } from "#src/pool/registry.js";
import { runCli } from "../../helpers/cli.js";
import { recordFault } from "../../helpers/fault-table.js";
import { randomDataset, randomNetwork } from "../../helpers/random.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const TOTAL = 1003;
const dataset = randomDataset(TOTAL, { slabImages: 200 });
const weights = randomNetwork([64, 20, 10]);
const INPUT: EvaluateInput = {
  dataset,
  weights,
  batchSize: 10,
  threads: 0,
  calibration: true,
  bootstrap: 20,
};

const whole = evaluate(INPUT);

/** A journal of a run that was interrupted after so many images. */
async function interrupted(
  t: ExecutionContext,
  afterImages: number,
  input: EvaluateInput = INPUT,
  hooks: EvaluateHooks = {},
): Promise<string> {
  const path = join(await temporaryFolder(t), "run.journal");
  const abort = new AbortController();
  const run = evaluate(
    { ...input, resume: path },
    {
      ...hooks,
      signal: abort.signal,
      onProgress: ({ doneImages }) => void (doneImages >= afterImages && abort.abort("SIGINT")),
    },
  );
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError });
  t.is(error?.code, "ERR_INTERRUPTED");
  return path;
}

async function linesOf(path: string): Promise<string[]> {
  return (await readFile(path, "utf8")).trimEnd().split("\n");
}

test("a run that was interrupted goes on where it was, whatever the threads", async (t) => {
  for (const threads of [0, 2]) {
    const input = { ...INPUT, threads };
    const resume = await interrupted(t, 400, input);
    let first = TOTAL;
    const { result, run } = await evaluate(
      { ...input, resume },
      {
        onProgress({ doneImages }) {
          first = Math.min(first, doneImages);
        },
      },
    );
    t.deepEqual(result, (await whole).result, `${threads} threads`);
    t.true(first > 400);
    t.true(run.batches <= 61, `${run.batches} batches`);
    const again = await evaluate({ ...input, resume });
    t.deepEqual(again.result, (await whole).result);
    t.deepEqual([again.run.batches, again.run.workersStarted], [0, 0]);
  }
});

test("batches that failed are run again, and they alone", async (t) => {
  const expected = await whole;
  const resume = join(await temporaryFolder(t), "run.journal");
  const failing: OpenExecutor = async (...given) => {
    const executor = await openExecutor(...given);
    return {
      ...executor,
      async run(task, signal) {
        if (task.batches.firstId === 25) throw new Error("out of order");
        return executor.run(task, signal);
      },
    };
  };
  await t.throwsAsync(evaluateWith(failing, { ...INPUT, resume }), { code: "ERR_BATCH_FAILED" });
  const { run, result } = await evaluate({ ...INPUT, resume });
  t.is(run.batches, 1);
  t.deepEqual(result, expected.result);
});

test("a shard keeps a journal of its own, and other shards refuse it", async (t) => {
  const shard = { ...INPUT, shard: "2/3" };
  const expected = await evaluate(shard);
  const resume = await interrupted(t, 100, shard);
  const { result, shard: part } = await evaluate({ ...shard, resume });
  t.deepEqual(result, expected.result);
  t.deepEqual(part?.counts, expected.shard?.counts);
  const error = await t.throwsAsync(evaluate({ ...shard, shard: "1/3", resume }), {
    code: "ERR_JOURNAL_RUN",
  });
  t.regex(error?.message ?? "", /shard is limit 334, offset 334 there and limit 334, offset 0 here/);
});

test("the torn end of a journal is dropped wherever it tears, and its range run again", async (t) => {
  const expected = await whole;
  const resume = await interrupted(t, 400);
  const bytes = await readFile(resume);
  const header = bytes.indexOf("\n") + 1;
  const lengths = [0, 1, 5, header - 1, header, header + 1, header + 40, bytes.length - 30, bytes.length - 1];
  for (const length of lengths) {
    await writeFile(resume, bytes.subarray(0, length));
    const { result, run } = await evaluate({ ...INPUT, resume });
    t.deepEqual(result, expected.result, `torn at ${length}`);
    t.true(run.batches > 0);
    t.is((await evaluate({ ...INPUT, resume })).run.batches, 0, `torn at ${length}`);
  }
  // What a crash of the machine leaves of pages that were never written.
  await writeFile(resume, Buffer.concat([bytes, Buffer.alloc(100)]));
  t.deepEqual((await evaluate({ ...INPUT, resume })).result, expected.result);
  // Half a line that an editor has given an end.
  await writeFile(resume, bytes);
  await appendFile(resume, '{"offset":40\n');
  t.deepEqual((await evaluate({ ...INPUT, resume })).result, expected.result);
  await recordFault({
    fault: "journal torn at nine places, and its end full of zeros",
    status: 0,
    line: "identical to a clean run",
    kept: "all whole lines",
  });
});

/** What is done to the journal's lines, and what is then said. */
const DAMAGES: readonly (readonly [what: string, edit: (lines: string[]) => void, words: RegExp])[] = [
  [
    "torn in the middle",
    (lines) => lines.splice(1, 1, lines[1]!.slice(0, 50)),
    /line 2 .* does not describe a range of images/,
  ],
  [
    "with a count changed",
    (lines) => (lines[1] = lines[1]!.replace(/"correct":\d+/, '"correct":1')),
    /line 2 .*diagonal/,
  ],
  [
    "with a count changed in its last line",
    (lines) => (lines[2] = lines[2]!.replace(/"total":\d+/, '"total":1')),
    /line 3 .*expected \d+ images counted, found 1/,
  ],
  [
    "with a range beyond the run",
    (lines) => (lines[1] = lines[1]!.replace('"offset":0', '"offset":9999')),
    /line 2 .*outside this run's images/,
  ],
  [
    "with ranges that overlap",
    (lines) => (lines[1] = lines[1]!.replace('"offset":0', '"offset":5')),
    /line \d .*overlaps/,
  ],
  [
    "with a header changed",
    (lines) => (lines[0] = lines[0]!.replace('"version":1', '"version":2')),
    /line 1 .*not a header/,
  ],
];
test("refuses a journal that is damaged, and leaves it as it was", async (t) => {
  const resume = await interrupted(t, 400);
  const [header, line] = atLeast(await linesOf(resume), 2);
  const counts = JSON.parse(line);
  for (const [what, edit, words] of DAMAGES) {
    const lines = [header, line, JSON.stringify({ ...counts, offset: counts.limit })];
    edit(lines);
    const text = `${lines.join("\n")}\n`;
    await writeFile(resume, text);
    const expected = { instanceOf: FileError, code: "ERR_JOURNAL_DAMAGED", message: words };
    const error = await t.throwsAsync(evaluate({ ...INPUT, resume }), expected, what);
    t.is(await readFile(resume, "utf8"), text, what);
    await recordFault({
      fault: `journal ${what}`,
      status: 3,
      line: error.message,
      kept: "the journal as it was",
    });
  }
});

test("refuses a file that is no journal, whatever it holds, and leaves it alone", async (t) => {
  for (const text of [
    "no journal\nat all\n",
    "x",
    "\0".repeat(40),
    '{"journal":"another"',
    '{"schemaVersion":1}\n',
  ]) {
    const resume = join(await temporaryFolder(t), "file");
    await writeFile(resume, text);
    await t.throwsAsync(evaluate({ ...INPUT, resume }), { instanceOf: FileError, code: "ERR_JOURNAL_KIND" });
    t.is(await readFile(resume, "utf8"), text);
  }
});

test("refuses the journal of another run, naming what differs", async (t) => {
  const resume = await interrupted(t, 400);
  const text = await readFile(resume, "utf8");
  const others: readonly (readonly [EvaluateInput, RegExp])[] = [
    [{ weights: { ...weights, sha256: "5".repeat(64) } }, /network is "0+.* there and "5+.* here/],
    [
      { dataset: { ...dataset, sha256: async () => "6".repeat(64) } },
      /dataset is "1+.* there and "6+.* here/,
    ],
    [{ limit: 500 }, /limit is 1003 there and 500 here/],
    [{ topK: 2 }, /topK is null there and 2 here/],
    [{ engine: "onnx" }, /arithmetic is "float64" there and "onnx" here|onnxruntime-node/],
  ];
  for (const [other, words] of others) {
    const error = await t.throwsAsync(evaluate({ ...INPUT, ...other, resume }));
    t.regex(error?.message ?? "", words);
    t.is(await readFile(resume, "utf8"), text);
  }
  await recordFault({
    fault: "journal of another network, data set or option",
    status: 3,
    line: "ERR_JOURNAL_RUN, naming what differs",
    kept: "the journal as it was",
  });
});

test("refuses a second run on a journal that one is writing, and it is free afterwards", async (t) => {
  const resume = join(await temporaryFolder(t), "run.journal");
  let second: Promise<unknown> | undefined;
  const { result } = await evaluate(
    { ...INPUT, resume },
    {
      // The run is kept until the second has given up.
      async onSlab() {
        second ??= t.throwsAsync(evaluate({ ...INPUT, resume }), {
          instanceOf: RunError,
          code: "ERR_JOURNAL_LOCKED",
        });
        await second;
      },
    },
  );
  t.not(second, undefined);
  t.is(result.total, TOTAL);
  t.is((await evaluate({ ...INPUT, resume })).run.batches, 0);
});

test("a journal that another machine writes too is not written any more, which the run says", async (t) => {
  const resume = join(await temporaryFolder(t), "run.journal");
  const foreign = "not ours\n";
  let isWritten: Promise<void> | undefined;
  const faults: Error[] = [];
  const { result } = await evaluate(
    { ...INPUT, resume },
    {
      onProgress() {
        isWritten ??= appendFile(resume, foreign);
      },
      onSlab: () => isWritten,
      onJournalFault: (fault) => void faults.push(fault),
    },
  );
  t.is(result.total, TOTAL);
  t.true(faults[0] instanceof RunError && faults[0].code === "ERR_JOURNAL_LOCKED");
  t.true((await readFile(resume, "utf8")).includes(foreign));
});

test("ranges that a second machine counted again are counted once", async (t) => {
  const expected = await whole;
  const resume = await interrupted(t, 400);
  const [, line] = await linesOf(resume);
  await appendFile(resume, `${line}\n`);
  t.deepEqual((await evaluate({ ...INPUT, resume })).result, expected.result);
});

test("says before any work that the journal cannot be written", async (t) => {
  const resume = join(await temporaryFolder(t), "no", "such", "folder");
  await t.throwsAsync(evaluate({ ...INPUT, resume }), { instanceOf: RunError, code: "ERR_OUTPUT_WRITE" });
});

test("an evaluator that stays open keeps no journal, and refuses one", async (t) => {
  const resume = join(await temporaryFolder(t), "run.journal");
  const input: EvaluateInput = { ...INPUT, resume };
  await t.throwsAsync(openEvaluator(input), { code: "ERR_OPTION_UNKNOWN" });
  await t.throwsAsync(readFile(resume), { code: "ENOENT" });
});

test("refuses to resume what a journal does not keep", async (t) => {
  for (const args of [["--no-labels"], ["--report", "r.html"]]) {
    const { status, stderr } = await runCli(["--resume", "run.journal", ...args]);
    t.is(status, 2, stderr);
    t.regex(stderr, /ERR_USAGE: (--resume and --no-labels|--report and --resume) exclude each other/);
  }
});
