/** The journal: ranges that are pending, a line too large for the memory, predictions beside it. */

import { execFile } from "node:child_process";
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execPath, platform } from "node:process";
import { promisify } from "node:util";
import test, { type ExecutionContext } from "ava";
import { IncompleteError } from "#src/base/abort.js";
import { atLeast } from "#src/base/errors.js";
import { allocateSlab } from "#src/base/slab.js";
import { predictionsTarget } from "#src/cli/commands/report-file.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { createPending } from "#src/evaluate/journal/journal.js";
import { PredictionsOutput } from "#src/evaluate/predictions/writer.js";
import { contradictionOf } from "#src/metrics/score-sums.js";
import type { MergedBatch } from "#src/pool/run-batches.js";
import { runCli } from "../../helpers/cli.js";
import { sampleJournal } from "../../helpers/sample-run.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";

const CLASSES = 3;

function merged(firstImage: number, start: number, count: number, recomputed = 1): MergedBatch {
  const slab = allocateSlab({ firstImage, count: 10, inputs: 1 });
  slab.labels.set(slab.labels.map((_, n) => (firstImage + n) % CLASSES));
  slab.predictions.set(slab.predictions.map((_, n) => Math.floor((firstImage + n) / 2) % CLASSES));
  const answer = { id: 0, correct: 0, recomputed, startedAtMs: 0, elapsedMs: 0, scores: null };
  return { slab, batch: { id: 0, start, count }, answer, thread: 1 };
}

test("consecutive batches, in whatever order they came, become one range with the sum of their counts", (t) => {
  const pending = createPending(CLASSES);
  for (const [firstImage, start, count] of [
    [10, 5, 5],
    [0, 0, 10],
    [40, 2, 3],
    [10, 0, 5],
  ] as const) {
    pending.add(merged(firstImage, start, count));
  }
  const ranges = pending.take(Number.POSITIVE_INFINITY);
  t.deepEqual(
    ranges.map(({ offset, limit, recomputed }) => [offset, limit, recomputed]),
    [
      [0, 20, 3],
      [42, 3, 1],
    ],
  );
  for (const counts of ranges) t.is(contradictionOf(counts, CLASSES), undefined);
  t.deepEqual(pending.take(Number.POSITIVE_INFINITY), []);
});

test("takes only what ends before an image, and keeps the rest, though its slab is used again", (t) => {
  const pending = createPending(CLASSES);
  const late = merged(10, 0, 5);
  pending.add(merged(0, 0, 10));
  pending.add(late);
  t.deepEqual(
    pending.take(14).map(({ limit }) => limit),
    [10],
  );
  late.slab.labels.fill(0);
  const [{ confusionMatrix }] = atLeast(pending.take(15), 1);
  const fresh = createPending(CLASSES);
  fresh.add(merged(10, 0, 5));
  t.deepEqual(confusionMatrix, fresh.take(15)[0]?.confusionMatrix);
});

test("what is cleared is not counted later", (t) => {
  const pending = createPending(CLASSES);
  pending.add(merged(0, 0, 10));
  pending.clear();
  pending.add(merged(20, 0, 5));
  t.deepEqual(
    pending.take(Number.POSITIVE_INFINITY).map(({ offset, limit }) => [offset, limit]),
    [[20, 5]],
  );
});

// A journal whose line would be far larger as objects than as a text is read without it, in little memory.

const MOST_GROWTH_BYTES = 64 * 2 ** 20;
/** As JSON it is a hundred and more million bytes. */
const LISTS = "[],".repeat(4_000_000);

/** In a process of its own, with what it takes at its peak beyond the file. */
const PROBE = `
  import { readFileSync } from "node:fs";
  const [, read, sample, peak, path, how] = process.argv;
  const modules = [read, sample, peak].map((module) => import(module));
  const [{ readJournal }, { SAMPLE_HEADER }, { resetPeak, peakBytes }] = await Promise.all(modules);
  const bytes = readFileSync(path);
  const before = resetPeak();
  const lines = how === "parse"
    ? JSON.parse(bytes.subarray(bytes.indexOf(10) + 1)).length
    : readJournal(path, bytes, SAMPLE_HEADER).lines.length;
  console.log(JSON.stringify({ lines, growthBytes: peakBytes() - before }));
`;

const onLinux = platform === "linux" ? test : test.skip;

async function probe(t: ExecutionContext, how: "journal" | "parse") {
  const path = await temporaryFile(t, `${sampleJournal([])}[${LISTS}[]]\n`);
  const modules = [
    "../../../src/evaluate/journal/read.js",
    "../../helpers/sample-run.js",
    "../../fuzz/peak-memory.js",
  ];
  const addresses = modules.map((module) => new URL(module, import.meta.url).href);
  const args = ["--input-type=module", "-e", PROBE, ...addresses, path, how];
  const { stdout } = await promisify(execFile)(execPath, args);
  return JSON.parse(stdout);
}

onLinux("passes over a line of four million lists, as over any that cannot be read", async (t) => {
  const { lines, growthBytes } = await probe(t, "journal");
  t.is(lines, 0);
  t.true(growthBytes < LISTS.length + MOST_GROWTH_BYTES, `${growthBytes} bytes more at the peak`);
});

onLinux("would notice the memory of such a line, were it read", async (t) => {
  const { lines, growthBytes } = await probe(t, "parse");
  t.is(lines, 4_000_001);
  t.true(growthBytes > LISTS.length + MOST_GROWTH_BYTES, `${growthBytes} bytes more at the peak`);
});

/** As the command line's run with predictions, interrupted before its middle; the arguments to go on with. */
async function interruptedWithPredictions(
  t: ExecutionContext,
): Promise<{ args: string[]; predictions: string; journal: string }> {
  const folder = await temporaryFolder(t);
  const [predictions, journal] = [join(folder, "p.csv"), join(folder, "run.journal")];
  const small = ["--limit", "2000", "--batch-size", "50"];
  const args = ["--engine", "reference", "--threads", "1", ...small, "--predictions", predictions];
  args.push("--resume", journal);
  const output = await PredictionsOutput.open(await predictionsTarget(predictions, {}), journal);
  const stop = new AbortController();
  // By images, not by time: of a run that takes a moment none is surely its middle.
  const run = evaluate(
    { engine: "reference", threads: 1, limit: 2000, batchSize: 50, probabilities: true, resume: journal },
    {
      signal: stop.signal,
      output: output.durable,
      onSlab: (slab) => output.slab(slab),
      onProgress: ({ doneImages }) => void (doneImages >= 600 && stop.abort("SIGINT")),
    },
  );
  const error = await t.throwsAsync(run, { instanceOf: IncompleteError, code: "ERR_INTERRUPTED" });
  const { written, faults = [] } = await output.abort(error);
  t.deepEqual([written, faults], [[`${predictions}.partial`], []]);
  return { args, predictions, journal };
}

test("predictions beside a journal are refused where they are not what it vouches for", async (t) => {
  const { args, predictions } = await interruptedWithPredictions(t);
  const partial = `${predictions}.partial`;
  const written = await readFile(partial);

  async function refused(words: RegExp): Promise<void> {
    const { status, stderr } = await runCli(args);
    t.is(status, 3, stderr);
    t.regex(stderr, /batchwise: ERR_JOURNAL_PREDICTIONS: .*p\.csv\.partial: expected the predictions/);
    t.regex(stderr, words);
  }

  await rm(partial);
  await refused(/found none/);
  await writeFile(partial, written.subarray(0, 10));
  await refused(/found 10 of \d+ bytes/);
  await writeFile(partial, Buffer.from(written).fill("x", 0, 5));
  await refused(/found different bytes/);
  await writeFile(partial, Buffer.concat([written, Buffer.from("more")]));
  const { status } = await runCli(args);
  t.is(status, 0);
  const clean = await runCli([...args.slice(0, 8), "--predictions", `${predictions}.clean.csv`]);
  t.is(clean.status, 0);
  t.deepEqual(await readFile(predictions), await readFile(`${predictions}.clean.csv`));
  await t.throwsAsync(readFile(partial), { code: "ENOENT" });

  // Finished, and killed before it could say so: the file has its name, or has not got it yet.
  const finished = await runCli([...args, "--format", "json"]);
  t.is(finished.status, 0, finished.stderr);
  const { predictionsFile, run } = JSON.parse(finished.stdout);
  t.is(run.batches, 0);
  t.is(predictionsFile.path, predictions);
  await writeFile(partial, await readFile(predictions));
  await truncate(predictions, 0);
  t.is((await runCli(args)).status, 0);
  t.deepEqual(await readFile(predictions), await readFile(`${predictions}.clean.csv`));
});

test("predictions in another form are another run", async (t) => {
  const { args, predictions } = await interruptedWithPredictions(t);
  const others = [
    [args.filter((arg) => ![predictions, "--predictions"].includes(arg)), /arithmetic|probabilities/],
    [[...args, "--calibration", "--top-k", "2"], /topK is null there and 2 here/],
    [
      args.map((arg) => (arg === predictions ? `${predictions}.ndjson` : arg)),
      /predictions is file p\.csv, format csv, topK 5 there/,
    ],
  ] as const;
  for (const [other, words] of others) {
    const { status, stderr } = await runCli(other);
    t.is(status, 3, stderr);
    t.regex(stderr, /ERR_JOURNAL_RUN/);
    t.regex(stderr, words);
  }
});
