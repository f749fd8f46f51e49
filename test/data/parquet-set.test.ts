/** Sets in Parquet files that pyarrow wrote (parquet-reference.py): pictures and lists of pixels. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { openDataset } from "#src/index.js";
import { copiesOf, ONE_BY_ONE } from "../helpers/all-of.js";
import { runCli } from "../helpers/cli.js";
import { shadesFrom } from "../helpers/pictures.js";
import { type Teardown, temporaryFile, temporaryFolder } from "../helpers/temporary.js";
import { codedAsync } from "../networks/coded.js";

const files: Readonly<Record<string, string>> = JSON.parse(
  await readFile("test/data/parquet-reference.json", "utf8"),
);
const bytesOf = (name: string) => Buffer.from(files[name] ?? "", "base64");
const [COUNT, INPUTS] = [8, 16];
const PIXELS = shadesFrom(0, COUNT * INPUTS);
const LABELS = [0, 1, 2, 0, 1, 2, 0, 1];

function open(dataset: string, options: object = {}) {
  return openDataset({ dataset, split: "test", ...options });
}

async function fileOf(t: Teardown, name: string) {
  return temporaryFile(t, bytesOf(name), `${name}.parquet`);
}

async function contentOf(set: Awaited<ReturnType<typeof open>>, offset = 0) {
  const slabs = await copiesOf(set.slabs({ offset, limit: set.facts.total - offset }, ONE_BY_ONE));
  return {
    labels: slabs.flatMap(({ labels }) => [...labels]),
    pixels: slabs.flatMap(({ pixels }) => [...pixels]),
  };
}

test("reads pictures and lists of every codec, from any row on", async (t) => {
  const names = ["cat", "dog", "owl"];
  const table = [
    ["snappy", {}, names, []],
    ["zstd", {}, names, []],
    ["gzip", {}, names, []],
    ["lists", {}, undefined, []],
    ["flat", {}, undefined, ["--image-shape"]],
    ["flat", { imageShape: "4x4", labelColumn: "y" }, undefined, []],
    ["deltas", {}, undefined, ["--image-shape"]],
    ["split", {}, undefined, ["--pixel-max"]],
    ["halves", { imageShape: "4x4" }, undefined, []],
    ["floats", { labelColumn: "kind" }, undefined, ["--image-shape", "--pixel-max"]],
    ["floats", { labelColumn: "last", imageShape: "4x4", pixelMax: "1" }, undefined, []],
  ] as const;
  for (const [name, options, classNames, assumed] of table) {
    const set = await open(await fileOf(t, name), options);
    t.like(set.facts, { total: COUNT, shape: { rows: 4, columns: 4, channels: 1 } }, name);
    t.deepEqual(set.facts.classNames, classNames, name);
    t.deepEqual(
      set.facts.assumptions?.map(({ option }) => option),
      assumed,
      name,
    );
    t.deepEqual(await contentOf(set), { labels: LABELS, pixels: PIXELS }, name);
    const rest = await contentOf(set, 4);
    t.deepEqual(rest, { labels: LABELS.slice(4), pixels: PIXELS.slice(4 * INPUTS) }, name);
  }
});

test("reads texts as labels by class names, and no labels", async (t) => {
  const path = await fileOf(t, "texts");
  await codedAsync(t, open(path).then(contentOf), "ERR_DATASET_FORMAT");
  const classes = await temporaryFile(t, "cat\ndog\nowl\n");
  t.deepEqual((await contentOf(await open(path, { classes }))).labels, LABELS);
  const prefixes = await contentOf(await open(await fileOf(t, "prefixes"), { classes }));
  t.deepEqual(prefixes, { labels: LABELS, pixels: PIXELS });
  const bare = await open(await fileOf(t, "holes"), { labels: false });
  t.is(bare.facts.labelsPath, undefined);
  t.deepEqual((await contentOf(bare)).pixels, PIXELS);
});

test("reads shards by a pattern, and the files of a split in a folder as Hugging Face lays it out", async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, "data"));
  for (const name of ["test-00000-of-00002", "test-00001-of-00002", "train-00000-of-00001"]) {
    await writeFile(join(folder, "data", `${name}.parquet`), bytesOf("snappy"));
  }
  const test = await open(folder);
  t.is(test.facts.total, 2 * COUNT);
  t.deepEqual((await contentOf(test, COUNT + 2)).labels, LABELS.slice(2));
  t.is((await open(folder, { split: "train" })).facts.total, COUNT);
  t.is((await open(join(folder, "data", "*.parquet"))).facts.total, 3 * COUNT);
  const part = join(folder, "data", "test-00001-of-00002.parquet");
  t.is((await open(part)).facts.total, COUNT);
  await rm(join(folder, "data", "test-00000-of-00002.parquet"));
  for (const dataset of [folder, join(folder, "data", "*.parquet")]) {
    const { message } = await codedAsync(t, open(dataset), "ERR_DATASET_FORMAT");
    t.regex(message, /expected 2 files by its name, found 1 of them, without 00000; fetch the others/);
  }
  const only = await temporaryFolder(t);
  await writeFile(join(only, "train.parquet"), bytesOf("snappy"));
  await codedAsync(t, open(only), "ERR_DATASET_SPLIT");
  await codedAsync(t, open(join(folder, "none-*.parquet")), "ERR_DATASET_GLOB");
});

test("names what is wrong with a file, its columns or a row", async (t) => {
  const [whole, texts] = [bytesOf("snappy"), bytesOf("texts")];
  const end = whole.readUInt32LE(whole.length - 8);
  const claim = Buffer.from(whole);
  claim.writeUInt32LE(0x7fffffff, whole.length - 8);
  const cases = [
    [whole.subarray(0, 500), {}, /found one that cannot be decoded/],
    [claim, {}, /its metadata claims 2,147,483,647 bytes/],
    [Buffer.concat([whole.subarray(0, 40), whole.subarray(whole.length - end - 8)]), {}, /cannot be decoded/],
    [Buffer.from(whole).fill(0xff, 4, 30), {}, /cannot be decoded/],
    [bytesOf("tables"), {}, /a column of pictures or pixels .*, found width, height; rename the column/],
    [bytesOf("floats"), {}, /a column label, found x, kind; set --label-column NAME, or --no-labels/],
    [whole, { labelColumn: "kind" }, /a column "kind", found image, label; set --label-column/],
    [bytesOf("normalized"), { imageShape: "4x4" }, /row 0: expected .*pixels.* found -0\.5; save bytes/],
    [
      bytesOf("flat"),
      { imageShape: "4x4", pixelMax: "1" },
      /row 0: expected pixels that are bytes ÷ 255, found 2/,
    ],
    [bytesOf("flat"), { fit: "keras", imageShape: "4x4" }, /found lists of pixels; leave out --fit/],
    [bytesOf("ragged"), {}, /row 5: expected 16 pixels in lists of 4 × 4, found others; all images/],
    [bytesOf("gaps"), {}, /row 5: expected a number in each place of its lists, found none/],
    [bytesOf("holes"), {}, /row 2: expected a whole number as label, found none/],
    [texts, {}, /row 0: expected a number as label, found "cat"; set --classes/],
  ] as const;
  for (const [bytes, options, message] of cases) {
    const path = await temporaryFile(t, bytes, "a.parquet");
    const error = await codedAsync(
      t,
      open(path, options).then((set) => contentOf(set)),
      "ERR_DATASET_FORMAT",
    );
    t.regex(error.message, message);
  }
  const holes = await open(await fileOf(t, "holes"));
  t.regex((await codedAsync(t, contentOf(holes, 3), "ERR_LABEL_RANGE")).message, /found -1 at index 5/);
});

test("refuses claims of metadata before it reserves memory for them", async (t) => {
  const list = [0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07];
  const cases = [
    [list, /its metadata claims a list of 2147483647/],
    [Array<number>(64).fill(0x1c), /its metadata nests deeper than 32/],
    [[0x16, ...Array<number>(64).fill(0xff)], /a number has too many bytes/],
  ] as const;
  for (const [metadata, message] of cases) {
    const length = Buffer.of(metadata.length, 0, 0, 0);
    const bytes = Buffer.concat([Buffer.from("PAR1"), Buffer.from(metadata), length, Buffer.from("PAR1")]);
    const path = await temporaryFile(t, bytes, "a.parquet");
    t.regex((await codedAsync(t, open(path), "ERR_DATASET_FORMAT")).message, message);
  }
});

test("refuses a Parquet file of the set as an output", async (t) => {
  const path = await fileOf(t, "snappy");
  const { status, stderr } = await runCli(["--dataset", path, "--output", path]);
  t.is(status, 2, stderr);
  t.regex(stderr, /ERR_OUTPUT_SHARED/);
  t.deepEqual(await readFile(path), bytesOf("snappy"));
});
