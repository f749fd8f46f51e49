/** Suites of checks: how they are read, and what comes of each evaluation. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import type { ChecksReport } from "#src/base/contracts/checks.js";
import { atLeast, BatchwiseError, FileError, UsageError } from "#src/base/errors.js";
import { check, datasetsInTurn, faultsOf } from "#src/evaluate/check/check.js";
import { loadSuite, readSuite } from "#src/evaluate/check/suite.js";
import type { Checks } from "#src/evaluate/check/suite-schema.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { resolveOptions } from "#src/evaluate/options.js";
import { renderJson } from "#src/reports/json.js";
import { validate } from "../../helpers/published-schemas.js";
import { writeSuite } from "../../helpers/suites.js";
import { temporaryFolder } from "../../helpers/temporary.js";

type Entries = readonly Checks["evaluations"][number][];

const SMALL = { limit: 300, batchSize: 50 };

async function checked(t: ExecutionContext, entries: Entries, threads = 0): Promise<ChecksReport> {
  return check(await writeSuite(await temporaryFolder(t), { threads, evaluations: [...entries] }));
}

const statusesOf = ({ checks }: ChecksReport) => checks.map(({ status }) => status);
const codesOf = (report: ChecksReport) =>
  faultsOf(report).map((fault) => (fault instanceof BatchwiseError ? fault.code : "none"));

test("evaluates networks and engines side by side as each alone, whatever the threads", async (t) => {
  const entries = [
    { name: "one", ...SMALL },
    { name: "two", ...SMALL, weights: "bundled-whiten", engine: "simd" },
    { name: "three", limit: 100, offset: 50, weights: "bundled-standardize", engine: "reference" },
    { name: "one again", ...SMALL, batchSize: 7 },
  ] as const;
  const alone = await Promise.all(entries.map(({ name, ...input }) => evaluate({ ...input, threads: 0 })));
  for (const threads of [0, 2]) {
    const report = await checked(t, entries, threads);
    t.deepEqual(statusesOf(report), ["passed", "passed", "passed", "passed"]);
    for (const [n, expected] of alone.entries()) {
      const { name, evaluation } = report.checks[n]!;
      t.is(name, entries[n]!.name);
      t.deepEqual(evaluation?.result, expected.result, name);
      t.deepEqual(evaluation?.predictions, expected.predictions, name);
      t.is(evaluation?.run.engine, expected.run.engine, name);
    }
    t.true((report.checks.at(-1)?.evaluation?.run.workersStarted ?? 9) <= threads);
    t.deepEqual(faultsOf(report), []);
  }
});

test("one passes, one misses its demands, one is broken, and each is told", async (t) => {
  const report = await checked(t, [
    { name: "broken", weights: "nowhere.npz", ...SMALL },
    { name: "strict", minAccuracy: 1, minClassRecall: 1, ...SMALL, weights: "bundled-standardize" },
    { name: "good", minAccuracy: 0.9, ...SMALL },
  ]);
  t.deepEqual(statusesOf(report), ["error", "failed", "passed"]);
  t.deepEqual(codesOf(report), ["ERR_NETWORK_UNKNOWN", "ERR_GATE_ACCURACY", "ERR_GATE_CLASS_RECALL"]);
  const [broken, missed] = atLeast(faultsOf(report), 2);
  t.regex(broken.message, /^broken: unknown network ".*nowhere\.npz"/);
  t.is((broken as BatchwiseError).exitStatus, 3);
  t.regex(missed.message, /^strict: --min-accuracy: expected an accuracy of at least 1, found 0\.\d+/);
  t.is((missed as BatchwiseError).exitStatus, 100);
  t.deepEqual(statusesOf(await checked(t, [{ name: "alone", weights: "nowhere" }], 2)), ["error"]);
});

test("whatever is wrong with an evaluation's files is its own error", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "two.txt"), "one\ntwo\n");
  await writeFile(join(folder, "no.json"), "{}");
  const path = await writeSuite(folder, [
    { name: "no data", dataset: "nowhere" },
    { name: "no such split", split: "train" },
    { name: "too few names", classes: "two.txt" },
    { name: "offset behind the end", offset: 10_000 },
    { name: "no baseline", baseline: "no.json" },
    { name: "good", ...SMALL },
  ]);
  const report = await check(path);
  t.deepEqual(codesOf(report), [
    "ERR_DATASET_UNKNOWN",
    "ERR_DATASET_SPLIT",
    "ERR_CLASSES_FILE",
    "ERR_RANGE_EMPTY",
    "ERR_JSON_SHAPE",
  ]);
  t.is(statusesOf(report).at(-1), "passed");
});

test("holds an accuracy against a baseline of the same images, and refuses one of others", async (t) => {
  const folder = await temporaryFolder(t);
  const before = await evaluate({ ...SMALL, threads: 0, weights: "bundled" });
  const better = { ...before, result: { ...before.result, correct: before.result.correct + 3 } };
  await writeFile(join(folder, "same.json"), renderJson(before));
  await writeFile(join(folder, "better.json"), renderJson(better));
  const path = await writeSuite(folder, [
    { name: "no worse", baseline: "same.json", ...SMALL },
    { name: "three worse", baseline: "better.json", maxRegression: 0.009, ...SMALL },
    { name: "three allowed", baseline: "better.json", maxRegression: 0.01, ...SMALL },
    { name: "others", baseline: "same.json", limit: 20 },
  ]);
  const report = await check(path);
  t.deepEqual(statusesOf(report), ["passed", "failed", "passed", "error"]);
  t.deepEqual(codesOf(report), ["ERR_GATE_REGRESSION", "ERR_BASELINE_DATA"]);
  // Refused before its first batch.
  t.is(report.checks[3]!.evaluation, undefined);
});

test("keeps what was done when it is interrupted, and says what was not tried", async (t) => {
  for (const [reason, code, exitStatus] of [
    ["SIGINT", "ERR_CHECK_INTERRUPTED", 130],
    ["SIGTERM", "ERR_CHECK_TERMINATED", 143],
  ] as const) {
    const abort = new AbortController();
    const path = await writeSuite(await temporaryFolder(t), [
      { name: "first", ...SMALL },
      { name: "second", ...SMALL },
      { name: "third", ...SMALL },
    ]);
    const report = await check(
      path,
      {},
      { signal: abort.signal, onEntry: (_, place) => void (place === 1 && abort.abort(reason)) },
    );
    t.deepEqual(statusesOf(report), ["passed", "error", "error"]);
    t.deepEqual(codesOf(report), [code, code]);
    t.is((faultsOf(report)[0] as BatchwiseError).exitStatus, exitStatus);
  }
});

test("loads a network once, however many evaluations it has", async (t) => {
  const path = await writeSuite(await temporaryFolder(t), [
    { name: "a" },
    { name: "b", offset: 5 },
    { name: "c", engine: "simd" },
    { name: "d", weights: "bundled-whiten" },
  ]);
  const { entries } = await readSuite(path, {}, 2);
  const { entries: loaded, sources } = await loadSuite(entries, {});
  t.is(sources.length, 3);
  t.deepEqual(
    loaded.map((entry) => (entry instanceof Error ? entry : entry.source)),
    [0, 0, 1, 2],
  );
});

test("opens data once for evaluations beside each other, and keeps no others", async (t) => {
  const open = datasetsInTurn({});
  const first = resolveOptions({}, 1);
  const unlabelled = resolveOptions({ labels: false }, 1);
  const once = await open(first);
  t.is(await open(first), once);
  t.not(await open(unlabelled), once);
  t.not(await open(first), once);
});

const EVERYTHING = {
  $schema: "checks.schema.json",
  threads: 3,
  timeoutSeconds: 5,
  retries: 1,
  offline: true,
  evaluations: [
    {
      name: "all of it",
      dataset: "data/images.gz",
      labels: "data/labels.gz",
      classes: "../names.txt",
      split: "train",
      weights: "w.npz",
      activation: "relu",
      normalize: "none",
      engine: "simd",
      offset: 10,
      limit: 20,
      batchSize: 5,
      minAccuracy: 0.9,
      expectAccuracy: 0.95,
      minClassRecall: 0.8,
      baseline: "main.json",
      maxRegression: 0.002,
    },
    { name: "nothing but defaults" },
  ],
} as const;

test("resolves paths from the suite's folder, and leaves names as they are", async (t) => {
  const folder = await temporaryFolder(t);
  const path = await writeSuite(folder, JSON.stringify(EVERYTHING));
  const { entries, path: found } = await readSuite(path, {}, 8);
  t.is(found, path);
  const [all, plain] = atLeast(entries, 2);
  t.is(all.options.dataset, join(folder, "data", "images.gz"));
  t.is(all.options.labels, join(folder, "data", "labels.gz"));
  t.is(all.options.classes, join(folder, "..", "names.txt"));
  t.is(all.options.weights, join(folder, "w.npz"));
  t.is(all.baseline, join(folder, "main.json"));
  t.is(all.maxRegression, 0.002);
  t.deepEqual(all.demands, { minAccuracy: 0.9, expectAccuracy: 0.95, minClassRecall: 0.8 });
  const { engine, threads, batchSize, offset, limit, retries, timeoutMs, offline } = all.options;
  t.deepEqual(
    { engine, threads, batchSize, offset, limit, retries, timeoutMs, offline },
    {
      engine: "simd",
      threads: 3,
      batchSize: 5,
      offset: 10,
      limit: 20,
      retries: 1,
      timeoutMs: 5000,
      offline: true,
    },
  );
  t.is(plain.options.dataset, "bundled");
  t.is(plain.options.weights, "bundled");
  t.is(plain.baseline, undefined);
});

test("what the call says goes before the suite", async (t) => {
  const path = await writeSuite(await temporaryFolder(t), JSON.stringify(EVERYTHING));
  const { entries } = await readSuite(path, { threads: "1", offline: false }, 8);
  t.is(entries[0]?.options.threads, 1);
  t.false(entries[0]?.options.offline);
  await t.throwsAsync(readSuite(path, { threads: "many" }, 8), { instanceOf: UsageError });
});

test("the published schema takes the same suites, and refuses a word that it does not know", (t) => {
  t.deepEqual(validate("checks", EVERYTHING), []);
  const slip = { evaluations: [{ name: "a", minAcuracy: 0.9 }] };
  t.regex(validate("checks", slip).join(), /minAcuracy/);
});

const NO_SUITES: readonly [suite: unknown, words: RegExp][] = [
  [[], /expected a suite of checks, found another document: expected object, found array/],
  [{}, /evaluations: expected array/],
  [{ evaluations: [] }, /evaluations: /],
  [{ evaluations: [{}] }, /evaluations\[0\]\.name: expected string/],
  [{ evaluations: [{ name: "a", minAcuracy: 0.9 }] }, /evaluations\[0\]: .*minAcuracy/],
  [{ evaluations: [{ name: "a", minAccuracy: 93 }] }, /evaluations\[0\]\.minAccuracy: /],
  [{ evaluations: [{ name: "a", engine: "sind" }] }, /evaluations\[0\]\.engine: /],
  [
    { evaluations: [{ name: "a", maxRegression: 0.1 }] },
    /evaluations\[0\]\.maxRegression: expected a baseline beside it/,
  ],
  [
    { evaluations: [{ name: "a" }, { name: "b" }, { name: "a" }] },
    /evaluations: expected names that differ, found one twice/,
  ],
  [{ threads: -1, evaluations: [{ name: "a" }] }, /threads: /],
];
test("refuses what is no suite of checks, no JSON or no file", async (t) => {
  const folder = await temporaryFolder(t);
  for (const [suite, words] of NO_SUITES) {
    const path = await writeSuite(folder, JSON.stringify(suite));
    const error = await t.throwsAsync(readSuite(path, {}, 2), { instanceOf: FileError }, words.source);
    t.deepEqual([error.code, error.exitStatus], ["ERR_JSON_SHAPE", 3]);
    t.regex(error.message, words);
    t.true(error.message.startsWith(`${path}: `));
  }
  const depth = 20_000;
  const deep = `{"evaluations":[{"name":"a","engine":${"[".repeat(depth)}${"]".repeat(depth)}}]}`;
  const nested = await t.throwsAsync(readSuite(await writeSuite(folder, deep), {}, 2), {
    instanceOf: FileError,
  });
  t.regex(nested.message, /expected nesting at most 32 deep, found deeper/);
  const path = await writeSuite(folder, "evaluations:\n  - name: a\n");
  await t.throwsAsync(readSuite(path, {}, 2), { instanceOf: FileError, code: "ERR_JSON_SYNTAX" });
  const absent = readSuite(join(folder, "absent.json"), {}, 2);
  await t.throwsAsync(absent, { instanceOf: FileError, code: "ERR_FILE_READ" });
});
