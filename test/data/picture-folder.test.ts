/** Folders of pictures, one folder for each class, and flat ones without labels. */
import { readFile, rename, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Dataset } from "#src/base/contracts/dataset.js";
import { evaluate, openDataset } from "#src/index.js";
import { copiesOf, ONE_BY_ONE } from "../helpers/all-of.js";
import { runCli } from "../helpers/cli.js";
import { npyFloats } from "../helpers/npy.js";
import { colourPng, folderOf, greyPng, SIDE, shadesFrom } from "../helpers/pictures.js";
import { pngFile, pngOfSamples } from "../helpers/png.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { mnist, needs } from "../helpers/require.js";
import { temporaryFile, temporaryFolder } from "../helpers/temporary.js";
import { zipFile } from "../helpers/zip.js";
import { codedAsync } from "../networks/coded.js";

const INPUTS = SIDE * SIDE;

async function contentOf(set: Dataset, offset = 0, limit = set.facts.total - offset) {
  const slabs = await copiesOf(set.slabs({ offset, limit }, ONE_BY_ONE));
  return {
    labels: slabs.flatMap(({ labels }) => [...labels]),
    pixels: slabs.flatMap(({ pixels }) => [...pixels]),
  };
}

test("opens folders by class in text order, as ImageFolder and Keras do, and reads from any picture on", async (t) => {
  const folder = await folderOf(t, {
    "cat/b.png": greyPng(20),
    "cat/a.png": greyPng(10),
    "Dog/more/a.PNG": greyPng(50),
    "Dog/z.png": greyPng(40),
    "Dog/.DS_Store": "x",
    ".ipynb_checkpoints/c.png": greyPng(60),
    "Thumbs.db": "x",
  });
  const set = await openDataset({ dataset: folder, split: "test" });
  t.like(set.facts, { name: "digits", total: 4, classNames: ["Dog", "cat"], assumptions: [] });
  t.deepEqual(set.facts.shape, { rows: SIDE, columns: SIDE, channels: 1 });
  const pixels = [40, 50, 10, 20].flatMap((first) => shadesFrom(first, INPUTS));
  t.deepEqual(await contentOf(set), { labels: [0, 0, 1, 1], pixels });
  t.deepEqual(await contentOf(set, 1, 2), { labels: [0, 1], pixels: pixels.slice(INPUTS, 3 * INPUTS) });
  t.is(await set.sha256(), await (await openDataset({ dataset: folder, split: "test" })).sha256());
  await rename(join(folder, "cat/b.png"), join(folder, "cat/c.png"));
  t.not(
    await set.sha256().catch(() => ""),
    await (await openDataset({ dataset: folder, split: "test" })).sha256(),
  );
});

test("chooses the folder of the split, and reads a flat folder without labels", async (t) => {
  const folder = await folderOf(t, {
    "training/0/a.png": greyPng(1),
    "testing/0/a.png": greyPng(2),
    "testing/1/a.png": greyPng(3),
  });
  t.is((await openDataset({ dataset: folder, split: "train" })).facts.total, 1);
  t.is((await openDataset({ dataset: folder, split: "test" })).facts.total, 2);
  const train = await folderOf(t, { "train/0/a.png": greyPng(1) });
  const error = await codedAsync(t, openDataset({ dataset: train, split: "test" }), "ERR_DATASET_SPLIT");
  t.regex(error.message, /expected the split train, found "test"; set --split/);

  const flat = await folderOf(t, { "b.png": greyPng(2), "a.png": greyPng(1) });
  const set = await openDataset({ dataset: flat, split: "test", labels: false });
  t.like(set.facts, { total: 2, labelsPath: undefined, classNames: undefined });
  t.deepEqual((await contentOf(set)).pixels, [...shadesFrom(1, INPUTS), ...shadesFrom(2, INPUTS)]);
  const bare = await codedAsync(t, openDataset({ dataset: flat, split: "test" }), "ERR_DATASET_FORMAT");
  t.regex(bare.message, /found 2 pictures without one; .* or set --no-labels$/);
});

test("names what it assumes: text order of numbers, files left out, dropped alpha, grey among colours", async (t) => {
  const clear = shadesFrom(0, INPUTS * 2);
  const folder = await folderOf(t, {
    ...Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`${n}/a.png`, greyPng(n)])),
    "3/alpha.png": pngOfSamples({ width: SIDE, height: SIDE, colourType: 4 }, 2, clear),
    "4/colour.png": colourPng(9),
    "4/notes.txt": "x",
  });
  const set = await openDataset({ dataset: folder, split: "test" });
  const whats = set.facts.assumptions?.map(({ what }) => what);
  t.deepEqual(whats, [
    'class folders in text order, as torchvision and Keras have them: "10" is label 2',
    "without 1 file that are no pictures of a class: notes.txt",
    "grey pictures as colours, as the loaders of PyTorch and Keras read them",
    "alpha dropped, as Pillow's convert does",
  ]);
  t.deepEqual(set.facts.classNames?.slice(0, 4), ["0", "1", "10", "2"]);
  t.is(set.facts.shape.channels, 3);
  const grey = await openDataset({ dataset: folder, split: "test", grayscale: true });
  t.is(grey.facts.shape.channels, 1);
  t.false(grey.facts.assumptions?.some(({ what }) => what.startsWith("grey")));
  t.deepEqual((await contentOf(grey, 2, 1)).pixels, shadesFrom(10, INPUTS));
});

test("says of a picture with more pixels than its header states what is wrong", async (t) => {
  const bomb = pngFile({ width: SIDE, height: SIDE }, Buffer.alloc(100_000));
  const folder = await folderOf(t, { "a/a.png": greyPng(1), "b/b.png": bomb });
  const { message } = await codedAsync(
    t,
    contentOf(await openDataset({ dataset: folder, split: "test" })),
    "ERR_PICTURE_FORMAT",
  );
  t.regex(message, /b\.png: .*it holds more pixels than its header says/);
});

test("eleven classes in text order fit a network that was trained on the same folders", async (t) => {
  const CLASSES = 11;
  const shadeOf = (digit: number) => 20 * digit;
  const pictureOf = (digit: number) =>
    pngOfSamples({ width: SIDE, height: SIDE }, 1, Array(INPUTS).fill(shadeOf(digit)));
  const digits = Array.from({ length: CLASSES }, (_, n) => n);
  const folder = await folderOf(t, Object.fromEntries(digits.map((n) => [`${n}/a.png`, pictureOf(n)])));
  // Output j knows the shade a of the j-th folder in text order: it is a · mean − a² ÷ 2, the largest where mean = a.
  const shades = digits
    .map(String)
    .sort()
    .map((name) => shadeOf(Number(name)) / 255);
  const weights = await temporaryFile(
    t,
    zipFile([
      {
        name: "W1.npy",
        content: npyFloats(
          [INPUTS, CLASSES],
          Array.from({ length: INPUTS }, () => shades.map((a) => a / INPUTS)).flat(),
        ),
      },
      {
        name: "b1.npy",
        content: npyFloats(
          [CLASSES],
          shades.map((a) => -(a ** 2) / 2),
        ),
      },
    ]),
    "folders.npz",
  );
  const run = { dataset: folder, weights, normalize: "scale", threads: 0 } as const;
  const inText = await evaluate(run);
  t.is(inText.result.correct, CLASSES);
  t.true(inText.assumptions.some(({ what }) => what.includes('"10" is label 2')));
  // By number, outputs 0 and 1 alone are at their place.
  t.is((await evaluate({ ...run, classOrder: "numeric" })).result.correct, 2);
});

test("a set without pictures of a class takes an empty folder, numbers as labels, or the names of all classes", async (t) => {
  const digits = Array.from({ length: 10 }, (_, n) => n);
  const folderWithout = (missing: number, others = {}) =>
    folderOf(t, {
      ...others,
      ...Object.fromEntries(digits.filter((n) => n !== missing).map((n) => [`${n}/a.png`, greyPng(n, 28)])),
    });
  const few = evaluate({ dataset: await folderWithout(9), threads: 0 });
  const { message } = await codedAsync(t, few, "ERR_CLASSES_FILE");
  t.regex(
    message,
    /expected 10 classes, .* found 9 \(0, 1, 2, 3, 4, 5, 6, 7, 8\); .* empty folders, set .* numeric .* --classes$/,
  );
  const names = await temporaryFile(t, digits.join("\n"));
  for (const missing of [3, 9]) {
    const dataset = await folderWithout(missing);
    const labels = digits.filter((n) => n !== missing);
    for (const options of [{ classOrder: "numeric" }, { classes: names }] as const) {
      const set = await openDataset({ dataset, split: "test", ...options });
      t.deepEqual((await contentOf(set)).labels, labels);
      t.deepEqual(set.facts.assumptions, []);
      const { result } = await evaluate({ dataset, threads: 0, ...options });
      t.is(result.total, 9);
      t.deepEqual(
        result.perClass.map(({ support }) => support),
        digits.map((n) => (n === missing ? 0 : 1)),
      );
    }
    const all = await folderWithout(missing, { [`${missing}/notes.txt`]: "" });
    t.deepEqual((await contentOf(await openDataset({ dataset: all, split: "test" }))).labels, labels);
  }
});

test("takes the label of a class folder from its place in --classes", async (t) => {
  const dataset = await folderOf(t, { "Dog/a.png": greyPng(1), "cat/a.png": greyPng(2) });
  const open = async (names: string, options: object = {}) =>
    openDataset({ dataset, split: "test", classes: await temporaryFile(t, names), ...options });
  const inText = await openDataset({ dataset, split: "test" });
  const same = await open("Dog\ncat");
  t.deepEqual((await contentOf(same)).labels, [0, 1]);
  t.is(await same.sha256(), await inText.sha256());
  const other = await open("bird\ncat\nDog");
  t.deepEqual((await contentOf(other)).labels, [2, 1]);
  t.deepEqual(other.facts.classNames, ["bird", "cat", "Dog"]);
  t.not(await other.sha256(), await inText.sha256());
  // Other names for the same classes.
  const shown = await open("Hund\nKatze");
  t.deepEqual((await contentOf(shown)).labels, [0, 1]);
  t.deepEqual(shown.facts.classNames, ["Hund", "Katze"]);
  for (const [names, options, code, says] of [
    ["Dog\nKatze", {}, "ERR_CLASSES_FILE", /each class folder in --classes, found no name "cat"; write/],
    ["Hund\nKatze\nVogel", {}, "ERR_CLASSES_FILE", /expected 3 class folders, .* found 2; write/],
    [
      "cat\nDog",
      { classOrder: "text" },
      "ERR_USAGE",
      /expected label 1 for the folder "Dog".* found label 0/,
    ],
  ] as const) {
    t.regex((await codedAsync(t, open(names, options), code)).message, says);
  }
});

test("takes the size, the resizing and the order of classes from options", async (t) => {
  const folder = await folderOf(t, {
    ...Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`${n}/a.png`, greyPng(n)])),
    "3/large.png": greyPng(7, 2 * SIDE),
  });
  const open = (options: object) => openDataset({ dataset: folder, split: "test", ...options });
  const sized = await open({ imageShape: "4x4", classOrder: "numeric" });
  t.deepEqual(
    sized.facts.assumptions?.map(({ option }) => option),
    ["--fit"],
  );
  t.is(sized.facts.classNames?.[10], "10");
  t.deepEqual((await contentOf(sized)).labels, [0, 1, 10, 2, 3, 3, 4, 5, 6, 7, 8, 9]);
  t.deepEqual((await contentOf(sized, 2, 1)).pixels, shadesFrom(10, INPUTS));
  const text = await open({ imageShape: "4x4", classOrder: "text", fit: "keras" });
  t.deepEqual(text.facts.assumptions, []);
  t.like(text.facts.reading, { imageShape: "4x4", classOrder: "text", fit: "keras" });
  t.deepEqual((await contentOf(text, 2, 1)).labels, [2]);
  // The mean of the two middle pixels across and down.
  t.is((await contentOf(text, 5, 1)).pixels[0], Math.round((7 + 8 + 15 + 16) / 4));
  const digits = await open({ fit: "mnist", classOrder: "text" });
  t.deepEqual(digits.facts.shape, { rows: 28, columns: 28, channels: 1 });
  await codedAsync(t, contentOf(digits), "ERR_PICTURE_BLANK");
  await codedAsync(t, open({ imageShape: "4" }), "ERR_OPTION_VALUE");
  await codedAsync(t, open({ imageShape: "4x4x3" }), "ERR_OPTION_VALUE");
  await codedAsync(t, open({ imageShape: "4x4", fit: "mnist" }), "ERR_USAGE");
  await codedAsync(t, open({ pixelMax: "1" }), "ERR_USAGE");
  await codedAsync(t, openDataset({ dataset: "bundled", split: "test", fit: "keras" }), "ERR_USAGE");

  const gaps = await folderOf(t, { "3/a.png": greyPng(1), "5/a.png": greyPng(2) });
  const three = await openDataset({ dataset: gaps, split: "test" });
  t.regex(three.facts.assumptions?.[0]?.what ?? "", /text order, .*: "3" is label 0$/);
  const five = await openDataset({ dataset: gaps, split: "test", classOrder: "numeric" });
  t.deepEqual((await contentOf(five)).labels, [3, 5]);
  const named = await folderOf(t, { "a/a.png": greyPng(1), "5/a.png": greyPng(2) });
  const request = openDataset({ dataset: named, split: "test", classOrder: "numeric" });
  t.regex((await codedAsync(t, request, "ERR_DATASET_FORMAT")).message, /found a; set --class-order text/);
});

test("names the file at fault among many, also behind the first pictures", async (t) => {
  const outside = await temporaryFolder(t);
  await writeFile(join(outside, "a.png"), greyPng(1));
  const many = Object.fromEntries(
    Array.from({ length: 200 }, (_, n) => [`0/${String(n).padStart(3, "0")}.png`, greyPng(n)]),
  );
  const clear = pngOfSamples({ width: SIDE, height: SIDE, colourType: 4 }, 2, shadesFrom(0, 2 * INPUTS));
  const cases = [
    [
      { "0/100.png": greyPng(1, 5) },
      "ERR_DATASET_SHAPE",
      /100\.png: expected images of 4 × 4 .* --fit mnist/,
    ],
    [
      { "0/100.png": colourPng(1) },
      "ERR_DATASET_FORMAT",
      /100\.png: .*found a coloured one; set --grayscale/,
    ],
    [{ "0/100.png": clear }, "ERR_DATASET_FORMAT", /100\.png: .*found transparent pixels/],
    [{ "0/100.png": "no picture" }, "ERR_PICTURE_FORMAT", /100\.png/],
    [{ "0/100.png": "" }, "ERR_FILE_EMPTY", /100\.png/],
    [
      { "0/100.png": Buffer.of(0xff, 0xd8, 0xff, 0xc3, 0, 17, ...Buffer.alloc(20)) },
      "ERR_PICTURE_FORMAT",
      /SOF3/,
    ],
  ] as const;
  for (const [files, code, message] of cases) {
    const folder = await folderOf(t, { ...many, ...files });
    const set = await openDataset({ dataset: folder, split: "test" });
    t.regex((await codedAsync(t, contentOf(set), code)).message, message);
    t.is((await contentOf(set, 101)).labels.length, 99, "pictures behind it are read");
  }
  const opening = [
    [{ "0/a.gif": "x" }, "ERR_DATASET_FORMAT", /found a GIF file; convert it to PNG/],
    [{ "0/a.png": greyPng(1), "1/a.png": greyPng(1, 5) }, "ERR_DATASET_SHAPE", /--image-shape|--fit/],
    [
      { ...Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`${n}/a.png`, greyPng(1)])) },
      "ERR_DATASET_FORMAT",
      /at most 256 class folders, found 257/,
    ],
  ] as const;
  for (const [files, code, message] of opening) {
    const folder = await folderOf(t, { ...files, "0/b.png": greyPng(1) });
    t.regex((await codedAsync(t, openDataset({ dataset: folder, split: "test" }), code)).message, message);
  }
  const linked = await folderOf(t, { "0/b.png": greyPng(1), "1/c.png": greyPng(2) });
  await symlink(join(linked, "1/c.png"), join(linked, "0/within.png"));
  t.is((await openDataset({ dataset: linked, split: "test" })).facts.total, 3);
  await symlink(join(outside, "a.png"), join(linked, "0/out.png"));
  const error = await codedAsync(t, openDataset({ dataset: linked, split: "test" }), "ERR_DATASET_FORMAT");
  t.regex(error.message, /out\.png: .*found a link out of it/);
});

test("finds out that a picture changed after it was first read", async (t) => {
  const folder = await folderOf(t, { "0/a.png": greyPng(1), "0/b.png": greyPng(2) });
  const set = await openDataset({ dataset: folder, split: "test" });
  await set.sha256();
  await utimes(join(folder, "0/b.png"), 1, 1);
  await codedAsync(t, contentOf(set), "ERR_DATASET_CHANGED");
});

test("refuses an output that is a picture of the set", async (t) => {
  const folder = await folderOf(t, { "0/a.png": greyPng(1) });
  const path = join(folder, "0/a.png");
  const { status, stderr } = await runCli(["--dataset", folder, "--output", path]);
  t.is(status, 2);
  t.regex(stderr, /ERR_OUTPUT_SHARED: --output: .*a\.png/);
});

const pillow = pythonWith("PIL", "numpy");
const withPillow = needs("mnist", mnist !== undefined && pillow !== undefined);

withPillow(
  "the book's network gets 9352 from PNG files that Pillow wrote, and Python's pixels from JPEG files",
  async (t) => {
    const folder = await temporaryFolder(t);
    runPython(pillow, WRITE, mnist ?? "", folder);
    const weights = join(mnist ?? "", "sample_weight.pkl");
    const run = async (dataset: string) => {
      const { stdout } = await runCli([
        "-d",
        dataset,
        "-w",
        weights,
        "--normalize",
        "scale",
        "--format",
        "json",
      ]);
      return JSON.parse(stdout).result.correct;
    };
    t.is(await run(join(folder, "png")), 9352);
    const set = await openDataset({ dataset: join(folder, "jpg"), split: "test" });
    const [slab] = await copiesOf(set.slabs({ offset: 0, limit: 10_000 }, { multiple: 10_000, lanes: 1 }));
    runPython(pillow, DECODE, join(folder, "jpg"), join(folder, "decoded"));
    const expected = await readFile(join(folder, "decoded"));
    t.deepEqual(Buffer.from(slab?.pixels ?? []), expected);
  },
);

const WRITE = `
import gzip, os, sys
import numpy as np
from PIL import Image
x = np.frombuffer(gzip.open(sys.argv[1] + "/t10k-images-idx3-ubyte.gz").read(), "u1", offset=16).reshape(-1, 28, 28)
y = np.frombuffer(gzip.open(sys.argv[1] + "/t10k-labels-idx1-ubyte.gz").read(), "u1", offset=8)
for n, (image, label) in enumerate(zip(x, y)):
    for ending in ("png", "jpg"):
        os.makedirs(f"{sys.argv[2]}/{ending}/{label}", exist_ok=True)
        Image.fromarray(image).save(f"{sys.argv[2]}/{ending}/{label}/{n:05d}.{ending}")
print("{}")`;
const DECODE = `
import glob, sys
import numpy as np
from PIL import Image
with open(sys.argv[2], "wb") as out:
    for path in sorted(glob.glob(sys.argv[1] + "/*/*.jpg")):
        out.write(np.asarray(Image.open(path)).tobytes())
print("{}")`;
