/** Tables of pixels as text: which column is the label, what a cell may be, and what is said of a wrong one. */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import type { BatchwiseError } from "#src/base/errors.js";
import { type DatasetRequest, evaluate, openDataset } from "#src/index.js";
import { copiesOf } from "../helpers/all-of.js";
import { inCase } from "../helpers/in-case.js";
import { randomNetwork } from "../helpers/random.js";
import { temporaryFile } from "../helpers/temporary.js";
import { codedAsync } from "../networks/coded.js";

const PIXELS = [
  [0, 1, 200, 255],
  [9, 8, 7, 60],
  [255, 254, 253, 2],
];
const LABELS = [7, 0, 9];
const NAMES = ["pixel0", "pixel1", "pixel2", "pixel3"];
const FIRST = PIXELS.map((row, n) => [LABELS[n], ...row].join(","));
const LAST = PIXELS.map((row, n) => [...row, LABELS[n]].join(","));
const BARE = PIXELS.map((row) => row.join(","));
const HEADED = [`label,${NAMES}`, ...FIRST].join("\n");

type Options = Partial<DatasetRequest>;

async function open(t: ExecutionContext, bytes: string | Uint8Array, options: Options = {}) {
  return openDataset({ dataset: await temporaryFile(t, bytes, "t.csv"), split: "test", ...options });
}

async function read(t: ExecutionContext, bytes: string | Uint8Array, options: Options = {}, offset = 0) {
  const set = await open(t, bytes, options);
  const slabs = await copiesOf(set.slabs({ offset, limit: 2 ** 20 }, { multiple: 1, lanes: 1 }));
  return {
    facts: set.facts,
    pixels: slabs.flatMap(({ pixels }) => [...pixels]),
    labels: slabs.flatMap(({ labels }) => [...labels]),
    assumed: set.facts.assumptions?.map(({ what }) => what) ?? [],
  };
}

const SQUARE = "images of 2 × 2 pixels";
const AT_FIRST = "label in the first column";

/** Table, options, and what is assumed. All hold the same images and labels. */
const TABLES: readonly (readonly [
  name: string,
  bytes: string | Uint8Array,
  options: Options,
  assumed: string[],
])[] = [
  ["Kaggle's train.csv", HEADED, {}, [SQUARE]],
  [
    "carriage returns and empty lines at the end",
    `${`${HEADED}\n`.replaceAll("\n", "\r\n")}\r\n\n`,
    {},
    [SQUARE],
  ],
  ["a byte order mark", `\ufeff${HEADED}`, {}, [SQUARE]],
  ["a byte order mark without names", `\ufeff${FIRST.join("\n")}`, {}, [AT_FIRST, SQUARE]],
  ["gzip", gzipSync(HEADED), {}, [SQUARE]],
  ["no names", FIRST.join("\n"), {}, [AT_FIRST, SQUARE]],
  ["no names, with options", FIRST.join("\n"), { labelColumn: "first", imageShape: "2x2" }, []],
  ["the label last", LAST.join("\n"), { labelColumn: "last" }, [SQUARE]],
  ["the label last under a name", [`${NAMES},class`, ...LAST].join("\n"), {}, [SQUARE]],
  [
    "the label last under another name",
    [`${NAMES},what`, ...LAST].join("\n"),
    {},
    ["label in the last column", SQUARE],
  ],
  ["a named column", [`a,${NAMES}`, ...FIRST].join("\n"), { labelColumn: "a", imageShape: "2x2" }, []],
  ["names that state the size", ["label,1x1,1x2,2x1,2x2", ...FIRST].join("\n"), {}, []],
  ["tabs", HEADED.replaceAll(",", "\t"), {}, [SQUARE]],
  ["semicolons", HEADED.replaceAll(",", ";"), {}, [SQUARE]],
  ["quotes", HEADED.replace(/[^,\n]+/g, '"$&"'), {}, [SQUARE]],
  ["spaces", HEADED.replaceAll(",", " , "), {}, [SQUARE]],
  [
    "whole floats",
    HEADED.replace(/\d+(?=[,\n]|$)/g, "$&.0").replaceAll(/pixel(\d)\.0/g, "pixel$1"),
    {},
    [SQUARE],
  ],
  ["exponents and signs", HEADED.replace(",200,", ",+2e2,").replace(",255", ",2.55E+2"), {}, [SQUARE]],
  [
    "numbers of the rows",
    [`id,label,${NAMES}`, ...FIRST.map((row, n) => `img_${n}.png,${row}`)].join("\n"),
    {},
    [SQUARE],
  ],
  [
    "the index of pandas",
    [`,label,${NAMES}`, ...FIRST.map((row, n) => `${n},${row}`)].join("\n"),
    {},
    [SQUARE],
  ],
  [
    "parts of 1",
    PIXELS.map((row, n) => [LABELS[n], ...row.map((pixel) => (pixel / 255).toFixed(4))].join(",")).join("\n"),
    { labelColumn: "first", imageShape: "2x2" },
    ["pixels from 0 to 1 as bytes ÷ 255"],
  ],
  [
    "parts of 1 with all digits",
    PIXELS.map((row, n) => [LABELS[n], ...row.map((pixel) => pixel / 255)].join(",")).join("\n"),
    { labelColumn: "first", imageShape: "2x2", pixelMax: "1" },
    [],
  ],
];

test("reads tables of every layout, and names what is assumed", async (t) => {
  for (const [name, bytes, options, assumed] of TABLES) {
    await inCase(t, name, async () => {
      const found = await read(t, bytes, options);
      t.deepEqual(found.pixels, PIXELS.flat());
      t.deepEqual(found.labels, LABELS);
      t.deepEqual(found.assumed, assumed);
      t.like(found.facts, { total: 3, shape: { rows: 2, columns: 2, channels: 1 } });
      t.deepEqual((await read(t, bytes, options, 2)).pixels, PIXELS[2]);
    });
  }
});

test("refuses columns of pixels in another order than their names, and names a label of several", async (t) => {
  for (const names of ["pixel0,pixel1,pixel10,pixel2", "1x1,2x1,1x2,2x2", "pixel1,pixel0,pixel2,pixel3"]) {
    const table = read(t, `label,${names}\n3,1,2,3,4\n`, { imageShape: "2x2" });
    const { message } = await codedAsync(t, table, "ERR_DATASET_FORMAT");
    t.regex(message, /expected columns in the order of the pixels, found "[^"]+" behind "[^"]+"/, names);
  }
  for (const names of ["pixel1,pixel2,pixel3,pixel4", "1x1,1x2,2x1,2x2", "red,a1,b1,b2"]) {
    t.deepEqual((await read(t, `label,${names}\n3,1,2,3,4\n`, { imageShape: "2x2" })).labels, [3], names);
  }
  const two = await read(t, "label,class,pixel0,pixel1,pixel2,pixel3\n3,7,1,2,3,4\n", { imageShape: "5x1" });
  t.deepEqual(two.assumed, ['label in the column "label"']);
});

test("names an empty line behind the names", async (t) => {
  const table = read(t, "label,a,b,c,d\n\n3,1,2,3,4\n4,5,6,7,8\n");
  t.regex(
    (await codedAsync(t, table, "ERR_CSV_ROW")).message,
    /line 2: .* found an empty line; correct this row/,
  );
});

test("finds the label in the last column if the first one does not vary", async (t) => {
  const { labels, assumed } = await read(t, "0,1,2,3,7\n0,4,5,6,8\n");
  t.deepEqual([labels, assumed[0]], [[7, 8], "label in the last column"]);
});

test("reads tables without labels, whose labels are needed unless --no-labels is set", async (t) => {
  const table = [NAMES, ...BARE].join("\n");
  const { facts, pixels } = await read(t, table, { labels: false });
  t.deepEqual([facts.labelsPath, pixels], [undefined, PIXELS.flat()]);
  t.regex(
    (await codedAsync(t, open(t, table), "ERR_DATASET_FORMAT"))?.message ?? "",
    /4 columns of pixels; set --no-labels/,
  );
  await codedAsync(t, open(t, HEADED, { labelColumn: "none" }), "ERR_DATASET_FORMAT");
  t.deepEqual((await read(t, HEADED, { labels: false })).pixels, PIXELS.flat());
});

test("reads three colours, channels last or first", async (t) => {
  const pixels = Array.from({ length: 12 }, (_, n) => n + 1);
  const table = `5,${pixels}\n`;
  const last = await read(t, table);
  t.like(last.facts, { shape: { rows: 2, columns: 2, channels: 3 } });
  t.deepEqual([last.pixels, last.labels], [pixels, [5]]);
  t.is(last.assumed[1], `${SQUARE}, the three colours of a pixel side by side`);
  const first = await read(t, table, { imageShape: "3x2x2", labelColumn: "first" });
  t.deepEqual(first.pixels, [1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12]);
  t.deepEqual(first.assumed, []);
  t.like((await read(t, table, { imageShape: "1x12" })).facts, { shape: { rows: 1, columns: 12 } });
});

test("reads class names as labels", async (t) => {
  const classes = await temporaryFile(t, "cat\ndog\n");
  const { labels } = await read(t, "label,1x1,1x2\ndog,0,9\ncat,3,4\n", { classes });
  t.deepEqual(labels, [1, 0]);
});

/** Table, and what its error says. The row at fault is in the third line. */
const FAULTS: readonly (readonly [name: string, row: string, says: RegExp])[] = [
  ["too few cells", "1,2,3,4", /line 3: expected 5 cells, as in the first row, found 4;/],
  ["too many cells", "1,2,3,4,5,6", /line 3: expected 5 cells.*found 6;/],
  ["no number", "1,2,x,4,5", /line 3, column 3: expected a number, found x;/],
  ["an empty cell", "1,2,,4,5", /line 3, column 3: expected a number, found an empty cell;/],
  ["an empty last cell", "1,2,3,4,", /line 3, column 5: expected a number, found an empty cell;/],
  ["an empty line", "", /line 3: expected 5 cells, as in the first row, found an empty line;/],
  ["a pixel above 255", "1,2,256,4,5", /line 3, column 3: expected a whole number from 0 to 255, found 256;/],
  ["a pixel below 0", "1,2,-1,4,5", /line 3, column 3: expected a whole number from 0 to 255, found -1;/],
  [
    "a pixel between two",
    "1,2,2.5,4,5",
    /line 3, column 3: expected a whole number from 0 to 255, found 2\.5;/,
  ],
  [
    "a label between two",
    "1.5,2,3,4,5",
    /line 3, column 1: expected a whole label from 0 to 255, found 1\.5;/,
  ],
  ["a label above 255", "300,2,3,4,5", /line 3, column 1: expected a whole label.*found 300;/],
  [
    "a label that is a text",
    "cat,2,3,4,5",
    /column 1: expected a whole label, or a class name of --classes, found cat;/,
  ],
  ["a quote that does not end", '1,2,"3,4,5', /line 3, column 3: expected a quote at the end of the cell/],
  ["text behind a quote", '1,2,"3"4,4,5', /line 3, column 3: expected nothing behind the quote/],
];

test("names the line and the column of a wrong row", async (t) => {
  for (const [name, row, says] of FAULTS) {
    await inCase(t, name, async () => {
      const table = `label,${NAMES}\n7,0,1,200,255\n${row}\n1,2,3,4,5\n`;
      const error = await codedAsync(t, read(t, table), "ERR_CSV_ROW");
      t.regex(error?.message ?? "", says);
    });
  }
  const table = "1,0.5019608,0,0,1\n2,0,0,0.3,0\n";
  const found = await codedAsync(t, read(t, table), "ERR_CSV_ROW");
  t.regex(
    found?.message ?? "",
    /line 2, column 4: expected a number from 0 to 1 that is a byte ÷ 255, found 0\.3;/,
  );
  await codedAsync(t, read(t, `1,0,0,0,1\n2,0,0,0,2`, { pixelMax: "1" }), "ERR_CSV_ROW");
});

test("refuses tables whose columns make no image, and options that fit none", async (t) => {
  const cases: readonly (readonly [string, Options, BatchwiseError["code"], RegExp])[] = [
    [
      "label,a,b,c,d,e\n1,2,3,4,5,6\n",
      {},
      "ERR_DATASET_FORMAT",
      /a square image.*found 5; set --image-shape/,
    ],
    [HEADED, { imageShape: "3x3" }, "ERR_OPTION_VALUE", /--image-shape: expected 4 pixels.*found "3x3"/],
    [HEADED, { imageShape: "two" }, "ERR_OPTION_VALUE", /rows x columns/],
    [
      HEADED,
      { labelColumn: "shoe" },
      "ERR_DATASET_FORMAT",
      /a column "shoe", found label, pixel0, pixel1 …; set --label-column/,
    ],
    [`label,${NAMES}\n\n`, {}, "ERR_DATASET_FORMAT", /found text/],
    [HEADED, { labels: "labels.csv" }, "ERR_USAGE", /brings its own labels/],
  ];
  for (const [table, options, code, says] of cases) {
    await inCase(t, `${code} ${says.source}`, async () => {
      t.regex((await codedAsync(t, open(t, table, options), code))?.message ?? "", says);
    });
  }
  const idx = { dataset: "bundled", split: "test", labelColumn: "first" } as const;
  await codedAsync(t, openDataset(idx), "ERR_USAGE");
});

/** 3,000 rows of 400 pixels, in more than one piece and more than one place of the index. */
function longTable() {
  const rows = Array.from({ length: 3_000 }, (_, n) => [
    n % 10,
    ...Array.from({ length: 400 }, (_, at) => (n * 31 + at * 7) % 256),
  ]);
  return { rows, text: rows.map((row) => row.join(",")).join("\r\n") };
}

test("reads a long table from any image on, gzipped or not, as its hash says", async (t) => {
  const { rows, text } = longTable();
  for (const bytes of [Buffer.from(text), gzipSync(text)]) {
    const set = await open(t, bytes);
    t.is(set.facts.total, 3_000);
    t.is(await set.sha256(), createHash("sha256").update(bytes).digest("hex"));
    for (const offset of [0, 1_023, 1_024, 2_500]) {
      const [slab] = await copiesOf(set.slabs({ offset, limit: 400 }, { multiple: 400, lanes: 1 }));
      t.deepEqual(
        [...(slab?.labels ?? [])],
        rows.slice(offset, offset + 400).map(([label]) => label),
      );
      t.deepEqual([...(slab?.pixels.subarray(-400) ?? [])], rows[offset + 399]?.slice(1));
    }
  }
  const cut = gzipSync(text).subarray(0, -20);
  await codedAsync(t, open(t, cut, { labelColumn: "first" }), "ERR_GZIP_CORRUPT");
});

test("evaluates a table, refuses its assumptions by --strict, and keeps its options in the result", async (t) => {
  const { text } = longTable();
  const dataset = await temporaryFile(t, text, "mnist_test.csv");
  const reading = { labelColumn: "first", imageShape: "20x20" };
  const options = { dataset, weights: randomNetwork([400, 10]), threads: 0 } as const;
  const stated = await evaluate({ ...options, ...reading, strict: true });
  t.deepEqual(stated.dataset.location?.reading, reading);
  const assumed = await evaluate(options);
  t.is(assumed.result.accuracy, stated.result.accuracy);
  t.regex(JSON.stringify(assumed.assumptions), /label in the first column/);
  await codedAsync(t, evaluate({ ...options, strict: true }), "ERR_ASSUMED");
});
