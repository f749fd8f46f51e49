/** Labels held against classes, names of classes, and the view that turns pictures and shifts labels. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { DatasetError, FileError } from "#src/base/errors.js";
import { assertClassCount, assertLabelsWithin, readClassNames } from "#src/data/labels.js";
import { evaluate, openDataset, UsageError } from "#src/index.js";
import { ONE_BY_ONE } from "../helpers/all-of.js";
import { changedSet, inverted, transposed } from "../helpers/changed-set.js";
import { runCli } from "../helpers/cli.js";
import { inCase } from "../helpers/in-case.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";

test("accepts labels up to the last class, and refuses the first beyond it by its index", async (t) => {
  await inCase(t, "accepts labels up to the last class", () => {
    t.notThrows(() => assertLabelsWithin({ labels: Uint8Array.of(0, 9, 5), firstImage: 0 }, 10, "f"));
  });

  await inCase(t, "refuses label 11 of ten classes, at its index within the data set", () => {
    const run = { labels: Uint8Array.of(0, 9, 11, 12), firstImage: 32_000 };
    const error = t.throws(() => assertLabelsWithin(run, 10, "labels"), {
      instanceOf: DatasetError,
      code: "ERR_LABEL_RANGE",
    });
    t.is(error.message, "labels: expected labels from 0 to 9, found 11 at index 32,002");
  });

  await inCase(t, "refuses the first label beyond the last class", () => {
    const run = { labels: Uint8Array.of(10), firstImage: 0 };
    t.throws(() => assertLabelsWithin(run, 10, "f"), { code: "ERR_LABEL_RANGE" });
    t.notThrows(() => assertLabelsWithin(run, 11, "f"));
  });
});

// Files of class names.

const read: Record<string, [text: string, names: string[]]> = {
  "one name a line": ["zero\none\n", ["zero", "one"]],
  "a last line without its end": ["zero\none", ["zero", "one"]],
  "blank lines at the end": ["zero\none\n\n  \n\n", ["zero", "one"]],
  "lines that end as on Windows": ["zero\r\none\r\n", ["zero", "one"]],
  "a byte order mark": ["\ufeffzero\none", ["zero", "one"]],
  "names beyond ASCII, with spaces within": ["T-shirt / top\nСапог\n足\n", ["T-shirt / top", "Сапог", "足"]],
  "white space around names": ["  zero \n\tone\t\n", ["zero", "one"]],
};

test("reads names however the lines of the file are written", async (t) => {
  for (const [what, [text, names]] of Object.entries(read)) {
    await inCase(t, `reads ${what}`, async () => {
      t.deepEqual(await readClassNames(await temporaryFile(t, text)), names);
    });
  }
});

const refused: Record<string, [bytes: string | Uint8Array, says: RegExp]> = {
  "a blank line between names": [
    "zero\n\ntwo\n",
    /expected a class name on every line, found none on line 2/,
  ],
  "a blank first line": ["\nzero\n", /found none on line 1/],
  "nothing but blank lines": ["\n \n", /found none on line 1/],
  "a name given twice": ["a\nb\na\n", /expected every name once, found "a" on lines 1 and 3/],
  "names that differ in white space alone": ["a\na \n", /found "a" on lines 1 and 2/],
  "bytes that are not UTF-8": [Buffer.of(0x61, 0x0a, 0xff), /expected class names in UTF-8/],
  "a name that would command a terminal": ["a\n\u001b[2Jb\n", /found a control character on line 2/],
};

test("refuses a file that is no list of different names, and names the line", async (t) => {
  for (const [what, [bytes, says]] of Object.entries(refused)) {
    await inCase(t, `refuses ${what}`, async () => {
      const path = await temporaryFile(t, bytes);
      const error = await t.throwsAsync(readClassNames(path), {
        instanceOf: DatasetError,
        code: "ERR_CLASSES_FILE",
        message: says,
      });
      t.true(error.message.startsWith(`${path}: `));
    });
  }
});

test("refuses a file of names that is empty or longer than a mebibyte", async (t) => {
  await inCase(t, "refuses an empty file of names", async () => {
    await t.throwsAsync(readClassNames(await temporaryFile(t, "")), {
      instanceOf: FileError,
      code: "ERR_FILE_EMPTY",
    });
  });

  await inCase(t, "refuses a file of names longer than a mebibyte", async () => {
    const path = await temporaryFile(t, "x".repeat(2 ** 20 + 1));
    await t.throwsAsync(readClassNames(path), { code: "ERR_FILE_READ", message: /at most 1,048,576 bytes/ });
  });
});

test("takes as many names as the network has outputs, no fewer and no more", (t) => {
  t.notThrows(() => assertClassCount(["a", "b"], 2, { file: "f" }));
  for (const [names, given, message] of [
    [["a"], { file: "f" }, /^f: expected 2 class names, .* found 1; write one name per line, in UTF-8$/],
    [["a", "b", "c"], { file: "f" }, /found 3; write/],
    [
      ["a"],
      { file: undefined, dataset: "d" },
      /^d: expected 2 classes, .* found 1 \(a\); .* add empty folders/,
    ],
    [Array(20).fill("a"), { file: undefined, dataset: "d" }, /found 20 \((a, ){12}…\);/],
  ] as const) {
    const error = t.throws(() => assertClassCount(names, 2, given), {
      instanceOf: DatasetError,
      code: "ERR_CLASSES_FILE",
    });
    t.regex(error.message, message);
  }
});

const IMAGES = 600;

test("changed pictures and labels give the stored ones' result through the options, with every engine", async (t) => {
  const expected = await evaluate({ limit: IMAGES, threads: 0 });
  for (const [changes, shift, view] of [
    [[inverted], 0, { invert: true }],
    [[transposed], 0, { transpose: true }],
    [[inverted, transposed], 1, { invert: true, transpose: true, labelOffset: -1 }],
    [[], 3, { labelOffset: "-3" }],
  ] as const) {
    const set = await changedSet(t, IMAGES, changes, shift);
    for (const engine of ["ml-matrix", "simd", "reference"] as const) {
      const { result, dataset } = await evaluate({ ...set, ...view, engine, threads: 1 });
      t.deepEqual(result.confusionMatrix, expected.result.confusionMatrix);
      const labelOffset = Number("labelOffset" in view ? view.labelOffset : 0);
      t.deepEqual(dataset.view, {
        ...{ invert: false, transpose: false, grayscale: false },
        ...view,
        labelOffset,
      });
    }
    const open = await openDataset({ ...set, split: "test" });
    const { result } = await evaluate({ dataset: open, ...view, threads: 0 });
    t.deepEqual(result.confusionMatrix, expected.result.confusionMatrix);
  }
});

test("a streamed set is seen through the same view", async (t) => {
  const set = await changedSet(t, IMAGES, [inverted, transposed], 1);
  const manifest = `${set.dataset}.json`;
  const pair = { images: "images", labels: "labels" };
  await writeFile(manifest, JSON.stringify([pair, pair]));
  const view = { invert: true, transpose: true, labelOffset: -1 };
  const { result } = await evaluate({ dataset: manifest, ...view, threads: 2, engine: "simd" });
  const expected = await evaluate({ limit: IMAGES, threads: 0 });
  t.deepEqual(
    result.confusionMatrix,
    expected.result.confusionMatrix.map((row) => row.map((count) => 2 * count)),
  );
});

test("rows and columns change places with the pictures", async (t) => {
  const folder = await temporaryFolder(t);
  const dataset = join(folder, "images");
  await writeFile(dataset, Buffer.from([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]));
  const { facts, slabs } = await openDataset({ dataset, labels: false, split: "test", transpose: true });
  t.deepEqual(facts.shape, { rows: 3, columns: 2, channels: 1 });
  for await (const { pixels } of slabs({ offset: 0, limit: 1 }, ONE_BY_ONE))
    t.deepEqual([...pixels], [1, 4, 2, 5, 3, 6]);
});

test("refuses an offset that makes no label, and one beside no labels", async (t) => {
  await t.throwsAsync(evaluate({ labelOffset: -1, threads: 0 }), {
    instanceOf: DatasetError,
    code: "ERR_LABEL_OFFSET",
  });
  const error = await t.throwsAsync(evaluate({ labelOffset: 1, threads: 0 }), { instanceOf: DatasetError });
  t.is(error.code, "ERR_LABEL_RANGE");
  await t.throwsAsync(evaluate({ labelOffset: 1, labels: false, threads: 0 }), { instanceOf: UsageError });
  await t.throwsAsync(evaluate({ labelOffset: 1.5, threads: 0 }), { instanceOf: UsageError });
});

test("a journal and parts of another view or other numbers are refused, and the difference is named", async (t) => {
  const folder = await temporaryFolder(t);
  const weights = join(folder, "w.npz");
  const npz = ["convert", "bundled", weights, "--quiet"];
  t.is((await runCli(npz)).status, 0);
  const run = (...more: string[]) =>
    runCli([
      "--weights",
      weights,
      "--activation",
      "relu",
      "--limit",
      "200",
      "--threads",
      "0",
      "--quiet",
      ...more,
    ]);
  const journal = join(folder, "run.journal");
  t.is((await run("--resume", journal, "--mean", "0.1", "--std", "0.3")).status, 0);
  for (const [options, what] of [
    [["--mean", "0.1", "--std", "0.31"], "preprocessing"],
    [["--mean", "0.1", "--std", "0.3", "--invert"], "view"],
    [["--mean", "0.1", "--std", "0.3", "--transpose"], "view"],
  ] as const) {
    const { status, stderr } = await run("--resume", journal, ...options);
    t.is(status, 3, stderr);
    t.true(stderr.includes(what), stderr);
  }
  const part = (index: number, ...more: string[]) =>
    run("--shard", `${index}/2`, "--output", join(folder, `${index}.json`), ...more);
  await part(1, "--mean", "0.1", "--std", "0.3");
  await part(2, "--mean", "0.2", "--std", "0.3");
  const merged = await runCli(["merge", join(folder, "1.json"), join(folder, "2.json")]);
  t.is(merged.status, 3);
  t.regex(merged.stderr, /ERR_PART_MIXED.*preprocessing/);
});
