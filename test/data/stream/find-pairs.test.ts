/** Sets of many files as users name them: by a pattern, or by a manifest. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { atLeast, DatasetError, FileError, UsageError } from "#src/base/errors.js";
import { openDataset } from "#src/data/registry.js";
import { ONE_BY_ONE } from "../../helpers/all-of.js";
import { runCli } from "../../helpers/cli.js";
import { idxBytes } from "../../helpers/idx.js";
import { inCase } from "../../helpers/in-case.js";
import { validate } from "../../helpers/published-schemas.js";
import { writeShards } from "../../helpers/shards.js";
import { temporaryFile, temporaryFolder } from "../../helpers/temporary.js";

const split = "test" as const;

test("a pattern finds the image files, gzipped or not, in the order of their names", async (t) => {
  const folder = await temporaryFolder(t);
  await writeShards(folder, { counts: [10, 20, 30] });
  const all = await openDataset({ dataset: join(folder, "shard-*"), split });
  t.is(all.facts.total, 60);
  t.is(all.facts.name, "shard-*");
  const few = await openDataset({ dataset: join(folder, "shard-0[01]-images-*"), split });
  t.is(few.facts.total, 30);
});

test("labels may be gzipped where their images are not, and twins count once", async (t) => {
  const folder = await temporaryFolder(t);
  const { pairs } = await writeShards(folder, { counts: [10, 20] });
  const [a, b] = atLeast(pairs, 2);
  await writeFile(a.imagesPath.replace(".gz", ""), idxBytes("u8", [10, 4, 3], new Uint8Array(120)));
  const dataset = await openDataset({ dataset: join(folder, "*images*"), split });
  t.is(dataset.facts.total, 30);
  await rm(b.labelsPath);
  const error = await t.throwsAsync(openDataset({ dataset: join(folder, "*images*"), split }), {
    instanceOf: DatasetError,
    code: "ERR_DATASET_LABELS_NAME",
  });
  t.regex(error?.message ?? "", /in the same folder as shard-01-labels-idx1-ubyte \(gzipped or not\)/);
  const unlabelled = await openDataset({ dataset: join(folder, "*images*"), labels: false, split });
  t.is(unlabelled.facts.total, 30);
  t.is(unlabelled.facts.labelsPath, undefined);
});

test("a pattern that finds one small pair is a way to name it", async (t) => {
  const folder = await temporaryFolder(t);
  const { pairs } = await writeShards(folder, { counts: [10] });
  const dataset = await openDataset({ dataset: join(folder, "*images*"), split });
  const [{ imagesPath, labelsPath }] = atLeast(pairs, 1);
  const named = await openDataset({ dataset: imagesPath, labels: labelsPath, split });
  t.is(await dataset.sha256(), await named.sha256());
});

test("refuses a pattern that finds nothing, or no images", async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, "notes.txt"), "none");
  for (const [pattern, found] of [
    ["*.gz", /found no file;/],
    ["*.txt", /found none among 1/],
  ] as const) {
    await t.throwsAsync(openDataset({ dataset: join(folder, pattern), split }), {
      instanceOf: DatasetError,
      code: "ERR_DATASET_GLOB",
      message: found,
    });
  }
});

test("a manifest lists its pairs in its order, by paths from its own folder", async (t) => {
  const folder = await temporaryFolder(t);
  const { pairs } = await writeShards(folder, { counts: [10, 20] });
  const [, second] = atLeast(pairs, 2);
  await rename(second.imagesPath, join(folder, "second"));
  const path = join(folder, "set.json");
  const manifest = [
    { images: "second", labels: "shard-01-labels-idx1-ubyte" },
    { images: "shard-00-images-idx3-ubyte.gz", labels: "shard-00-labels-idx1-ubyte.gz" },
  ];
  t.deepEqual(validate("manifest", manifest), []);
  await writeFile(path, JSON.stringify(manifest, null, 2));
  const dataset = await openDataset({ dataset: path, split });
  t.is(dataset.facts.total, 30);
  t.is(dataset.facts.labelsPath, path);
  const { done, value: slab } = await dataset
    .slabs({ offset: 0, limit: 30 }, ONE_BY_ONE)
    [Symbol.asyncIterator]()
    .next();
  t.false(done);
  t.true(
    Buffer.from(slab.pixels.subarray(0, 240)).equals((await readFile(join(folder, "second"))).subarray(16)),
  );
});

test("refuses a manifest of another shape, as its schema does", async (t) => {
  for (const [what, document, code] of [
    ["that is no list", { images: "a" }, "ERR_JSON_SHAPE"],
    ["that is empty", [], "ERR_JSON_SHAPE"],
    ["with an unknown key", [{ images: "a", labels: "b", weights: "c" }], "ERR_JSON_SHAPE"],
    ["with a short SHA-256", [{ images: "a", labels: "b", sha256: "abc" }], "ERR_JSON_SHAPE"],
  ] as const) {
    await inCase(t, `refuses a manifest ${what}`, async () => {
      const path = join(await temporaryFolder(t), "set.json");
      await writeFile(path, JSON.stringify(document));
      await t.throwsAsync(openDataset({ dataset: path, split }), { instanceOf: FileError, code });
      t.not(validate("manifest", document).length, 0);
    });
  }
});

test("checks a long manifest in slices, with turns of the event loop, and names the place of a fault", async (t) => {
  const slices = 20;
  const pairs: object[] = Array.from({ length: slices * 4_096 }, () => ({ images: "a", labels: "b" }));
  pairs[pairs.length - 2] = { images: "a", labels: 7 };
  const path = await temporaryFile(t, JSON.stringify(pairs), "set.json");
  let turns = 0;
  const count = () => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  t.teardown(() => clearImmediate(next));
  const error = await t.throwsAsync(openDataset({ dataset: path, split }), { code: "ERR_JSON_SHAPE" });
  t.regex(error?.message ?? "", /\[81918\]\.labels: expected string, found number/);
  t.true(turns >= slices - 1, `${turns}`);
});

test("refuses a manifest without the labels that are wanted, and labels beside it", async (t) => {
  const folder = await temporaryFolder(t);
  await writeShards(folder, { counts: [10] });
  const path = join(folder, "set.json");
  await writeFile(path, JSON.stringify([{ images: "shard-00-images-idx3-ubyte.gz" }]));
  await t.throwsAsync(openDataset({ dataset: path, split }), { code: "ERR_DATASET_LABELS" });
  t.is((await openDataset({ dataset: path, labels: false, split })).facts.total, 10);
  const labels = join(folder, "shard-00-labels-idx1-ubyte.gz");
  await t.throwsAsync(openDataset({ dataset: path, labels, split }), { instanceOf: UsageError });
});

test("the command line evaluates a pattern, and tells a damaged file with what was done before it", async (t) => {
  const folder = await temporaryFolder(t);
  const { pairs } = await writeShards(folder, {
    counts: [6_000, 6_000, 6_000],
    rows: 28,
    columns: 28,
    isGzipped: () => true,
  });
  const args = [
    "--dataset",
    join(folder, "*-images-idx3-ubyte.gz"),
    "--engine",
    "simd",
    "--threads",
    "2",
    "--quiet",
  ];
  const predictions = join(folder, "predictions.csv");
  const whole = await runCli([...args, "--format", "json", "--predictions", predictions]);
  t.is(whole.status, 0, whole.stderr);
  t.is(JSON.parse(whole.stdout).result.total, 18_000);
  t.is((await readFile(predictions, "utf8")).trimEnd().split("\n").length, 18_001);
  const path = pairs[2]!.imagesPath;
  await writeFile(path, (await readFile(path)).subarray(0, -1));
  const { status, stdout, stderr } = await runCli([...args, "--format", "json"]);
  t.is(status, 3);
  t.regex(stderr, /^batchwise: ERR_GZIP_CORRUPT: .+shard-02-images.+\n$/);
  const { result } = JSON.parse(stdout);
  t.false(result.complete);
  t.true(result.total >= 10_000 && result.total < 18_000, `${result.total}`);
});
