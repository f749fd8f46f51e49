/** Comparisons of results that were written before. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { BatchwiseError, type ErrorCode } from "#src/base/errors.js";
import { mapSlabs } from "#src/base/slab.js";
import { compare } from "#src/evaluate/compare/compare.js";
import { randomDataset, randomNetwork } from "../../helpers/random.js";
import { writeResult } from "../../helpers/results.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const dataset = randomDataset(203, { slabImages: 100, classes: 8 });
const weightsA = randomNetwork([64, 20, 10]);
const weightsB = randomNetwork([64, 8], "relu", 2);
const INPUT = { dataset, threads: 0 };

/** A result's JSON, to be changed. */
interface AnyResult {
  predictionsFile: unknown;
  readonly dataset: Record<string, unknown>;
  readonly network: Record<string, unknown>;
  result: Record<string, unknown>;
}

async function writeBoth(t: ExecutionContext, limit?: number) {
  const folder = await temporaryFolder(t);
  const a = await writeResult(folder, "a", { ...INPUT, weights: weightsA, limit });
  const b = await writeResult(folder, "b", { ...INPUT, weights: weightsB, limit }, "csv");
  return { folder, a, b };
}

test("two results, or a result beside a network, compare as the two networks do", async (t) => {
  const { a, b } = await writeBoth(t);
  const expected = (await compare({ ...INPUT, a: weightsA, b: weightsB })).comparison.result;
  const results = (await compare({ a, b })).comparison;
  t.deepEqual(results.result, expected);
  t.is(results.run, null);
  t.is(results.a.resultPath, a);
  t.is(results.b.sha256, weightsB.sha256);
  for (const sides of [
    { a, b: weightsB },
    { a: weightsA, b },
  ]) {
    t.deepEqual((await compare({ ...INPUT, ...sides })).comparison.result, expected);
  }
});

test("refuses options of an evaluation where both sides are results", async (t) => {
  const { a, b } = await writeBoth(t);
  for (const [option, flag] of [
    [{ threads: 0 }, "--threads"],
    [{ activation: "relu" }, "--activation"],
    [{ limit: 10 }, "--limit"],
    [{ shard: "1/2" }, "--shard"],
  ] as const) {
    const { message = "" } = (await t.throwsAsync(compare({ a, b, ...option }), { code: "ERR_USAGE" })) ?? {};
    t.true(message.startsWith(`${flag} is for networks that are evaluated`), message);
  }
  await t.notThrowsAsync(compare({ a, b, strict: false, offline: true }));
});

test("a network beside a result is evaluated over the result's images", async (t) => {
  const folder = await temporaryFolder(t);
  const a = await writeResult(folder, "a", { threads: 0, offset: 40, limit: 60 });
  const { comparison } = await compare({ a, b: "bundled-whiten", threads: 0 });
  t.is(comparison.dataset.name, "bundled");
  t.is(comparison.dataset.offset, 40);
  t.is(comparison.result.total, 60);
});

test("finds predictions that moved together with their result", async (t) => {
  const { folder, b } = await writeBoth(t);
  const moved = join(folder, "moved");
  await mkdir(moved);
  for (const name of ["a.json", "a.ndjson"]) await rename(join(folder, name), join(moved, name));
  t.is((await compare({ a: join(moved, "a.json"), b })).comparison.result.total, 203);
  await rename(join(moved, "a.ndjson"), join(moved, "elsewhere"));
  await refuses(
    t,
    compare({ a: join(moved, "a.json"), b }),
    "ERR_FILE_READ",
    /none of this name beside the result/,
  );
});

test("refuses predictions that were changed since", async (t) => {
  const { folder, a, b } = await writeBoth(t);
  const path = join(folder, "a.ndjson");
  await writeFile(path, (await readFile(path, "utf8")).replace('"index":3,', '"index":3, '));
  await refuses(t, compare({ a, b }), "ERR_PREDICTIONS_HASH", /a\.ndjson/);
});

test("refuses a result of other images, beside a result and beside a network", async (t) => {
  const { a } = await writeBoth(t);
  const { b } = await writeBoth(t, 100);
  await refuses(t, compare({ a, b }), "ERR_COMPARE_DATA", /203 images .* found one of 100/);
  const others = { ...dataset, sha256: async () => "2".repeat(64) };
  await refuses(t, compare({ dataset: others, a, b: weightsB }), "ERR_COMPARE_DATA", /222222222222/);
  await refuses(t, compare({ ...INPUT, a, b: weightsB, limit: 50 }), "ERR_COMPARE_DATA", /50 images/);
});

/** What is done to a result, whose predictions stay, and what is then found. */
const CHANGES: readonly [what: string, change: (result: AnyResult) => void, found: RegExp][] = [
  ["no predictions", (whole) => (whole.predictionsFile = null), /one without predictions/],
  ["a partial result", ({ result }) => (result.complete = false), /a partial one/],
  [
    "no labels",
    (whole) => (whole.result = { labelled: false, total: 203, complete: true, predictedCounts: [203] }),
    /one without labels/,
  ],
  ["no layers", ({ network }) => (network.layers = []), /one with 10 classes from a network with no/],
  [
    "other classes",
    ({ network }) => (network.layers = [64, 100_000]),
    /one with 10 classes from a network with 1/,
  ],
  [
    "more images than predictions",
    ({ result }) => (result.total = 204),
    /predictions of 204 images, found 203/,
  ],
  [
    "predictions of images before its own",
    ({ dataset }) => (dataset.offset = 1),
    /images 1 to 203, found one of 0/,
  ],
  [
    "predictions of classes that the network has not",
    ({ network, result }) => {
      network.layers = [64, 3];
      result.confusionMatrix = Array.from({ length: 3 }, () => [0, 0, 0]);
    },
    /classes below 3, found \d for image/,
  ],
  [
    // No memory is made for more predictions than their file can hold.
    "four billion images",
    ({ result }) => (result.total = 2 ** 32),
    /a\.ndjson: expected predictions of 4,294,967,296 images, found [\d,]+ bytes;/,
  ],
];

test("refuses a result that its predictions contradict, or that lacks what is compared", async (t) => {
  const { a } = await writeBoth(t);
  const text = await readFile(a, "utf8");
  for (const [what, change, message] of CHANGES) {
    const result = JSON.parse(text);
    change(result);
    await writeFile(a, JSON.stringify(result));
    await refuses(t, compare({ a, b: a }), "ERR_COMPARE_RESULT", message, what);
  }
});

test("refuses a confusion matrix that is not the predictions'", async (t) => {
  const { a, b } = await writeBoth(t);
  const result = JSON.parse(await readFile(a, "utf8"));
  const { confusionMatrix } = result.result;
  // From one label to the next: the sums of columns, and of all, stay.
  const predicted = confusionMatrix[3].findIndex((count: number) => count > 0);
  confusionMatrix[3][predicted]--;
  confusionMatrix[4][predicted]++;
  await writeFile(a, JSON.stringify(result));
  for (const sides of [
    { a, b },
    { a: b, b: a },
    { ...INPUT, a, b: weightsB },
  ]) {
    await refuses(
      t,
      compare(sides),
      "ERR_COMPARE_RESULT",
      /a\.json: expected the confusion matrix of .+a\.ndjson, found different counts/,
    );
  }
});

test("refuses results of other labels under the same hash, and one beside the data", async (t) => {
  const { folder, b } = await writeBoth(t);
  // As a large file's hash, which is of a few pieces, cannot tell them apart.
  const relabelled: typeof dataset = {
    ...dataset,
    slabs: (...given) =>
      mapSlabs(dataset.slabs(...given), (slab) => {
        const at = 7 - slab.firstImage;
        if (at >= 0 && at < slab.count) slab.labels[at] = (slab.labels[at]! + 1) % 8;
        return slab;
      }),
  };
  const other = await writeResult(folder, "other", { ...INPUT, dataset: relabelled, weights: weightsA });
  const asOf = (path: string) => new RegExp(`expected label \\d for image 7, as in .*${path}, found \\d;`);
  await refuses(t, compare({ a: other, b }), "ERR_COMPARE_RESULT", asOf("other\\.json"));
  await refuses(t, compare({ a: b, b: other }), "ERR_COMPARE_RESULT", asOf("b\\.json"));
  for (const sides of [
    { a: other, b: weightsB },
    { a: weightsB, b: other },
  ]) {
    const message = /other\.json: expected label \d for image 7, as in the data, found \d;/;
    await refuses(t, compare({ ...INPUT, ...sides }), "ERR_COMPARE_RESULT", message);
  }
});

test("takes JSON for a result, and says where it is none", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "weights.safetensors");
  await writeFile(path, '{ "schemaVersion": 1 }');
  await refuses(t, compare({ ...INPUT, a: path, b: weightsB }), "ERR_JSON_SHAPE", /weights\.safetensors/);
});

async function refuses(
  t: ExecutionContext,
  outcome: Promise<unknown>,
  code: ErrorCode,
  message: RegExp,
  what?: string,
): Promise<void> {
  const error = await t.throwsAsync(outcome, { instanceOf: BatchwiseError }, what);
  t.is(error?.code, code);
  t.regex(error?.message ?? "", message);
  t.is(error?.exitStatus, 3);
}
