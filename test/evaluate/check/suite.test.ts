import { join } from "node:path";
import test from "ava";
import { FileError, UsageError } from "#src/base/errors.js";
import { readSuite } from "#src/evaluate/check/suite.js";
import { validate } from "../../helpers/published-schemas.js";
import { writeSuite } from "../../helpers/suites.js";
import { temporaryFolder } from "../../helpers/temporary.js";

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
  const [all, plain] = entries;
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
  t.is(entries[0].options.threads, 1);
  t.false(entries[0].options.offline);
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
  const path = await writeSuite(folder, "evaluations:\n  - name: a\n");
  await t.throwsAsync(readSuite(path, {}, 2), { instanceOf: FileError, code: "ERR_JSON_SYNTAX" });
  const absent = readSuite(join(folder, "absent.json"), {}, 2);
  await t.throwsAsync(absent, { instanceOf: FileError, code: "ERR_FILE_READ" });
});
