/** Groups that a set states itself: a column of a table, a level of folders; held to NumPy's counts. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { evaluate, openDataset } from "#src/index.js";
import { runCli } from "../helpers/cli.js";
import { folderOf, greyPng, SIDE } from "../helpers/pictures.js";
import { validate } from "../helpers/published-schemas.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { randomNetwork } from "../helpers/random.js";
import { needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";
import { codedAsync } from "../networks/coded.js";

const python = pythonWith("numpy");
const withNumpy = needs("numpy", python !== undefined);
const IMAGES = 3_000;
const WRITERS = ["Ann, B.", "7", "çelik"];
const writerOf = (n: number) => WRITERS[(n * 7919 + (n >> 3)) % 3] ?? "";

/** The first images of the bundled set as a table, with a column of writers among the pixels. */
async function tableOf(folder: string, end: string): Promise<string> {
  const set = await openDataset({ dataset: "bundled", split: "test" });
  const pixels = Array.from({ length: 784 }, (_, n) => `pixel${n}`);
  const lines = [`label,${pixels.slice(0, 400)},writer,${pixels.slice(400)}`];
  const stream = set.slabs({ offset: 0, limit: IMAGES }, { multiple: 1, lanes: 1 });
  for await (const slab of stream) {
    for (let n = 0; n < slab.count; n++) {
      const image = [...slab.pixels.subarray(n * 784, (n + 1) * 784)];
      const cells = [
        slab.labels[n],
        ...image.slice(0, 400),
        `"${writerOf(lines.length - 1)}"`,
        ...image.slice(400),
      ];
      lines.push(cells.join(","));
    }
    stream.release(slab);
  }
  const path = join(folder, "set.csv");
  await writeFile(path, lines.join("\n") + end);
  return path;
}

const GROUP_BY = `
import csv, json, sys
import numpy as np
writer = np.array([row["writer"] for row in csv.DictReader(open(sys.argv[1], encoding="utf8"))])
rows = list(csv.DictReader(open(sys.argv[2])))
label, prediction = (np.array([int(row[name]) for row in rows]) for name in ("label", "prediction"))
print(json.dumps([[str(name), int((writer == name).sum()), int(((writer == name) & (label == prediction)).sum())]
                  for name in np.unique(writer)]))`;

interface Group {
  readonly name: string;
  readonly total: number;
  readonly correct: number;
}
const countsOf = (groups: readonly Group[] = []) =>
  groups.map(({ name, total, correct }) => [name, total, correct]);

withNumpy(
  "accuracy by a column of the table equals NumPy's, on the command line, by score and in the library",
  async (t) => {
    const folder = await temporaryFolder(t);
    const table = await tableOf(folder, "\n\n");
    const predictions = join(folder, "predictions.csv");
    const args = ["--dataset", table, "--groups", "column:writer", "--batch-size", "64"];
    const json = ["--format", "json"];
    const { stdout, stderr, status } = await runCli([
      ...args,
      ...json,
      "--predictions",
      predictions,
      "--threads",
      "2",
    ]);
    t.is(status, 0, stderr);
    const document = JSON.parse(stdout);
    t.deepEqual(validate("result", document), []);
    t.is(document.dataset.location.reading.groupColumn, "writer");
    const expected = runPython(python, GROUP_BY, table, predictions);
    t.deepEqual(countsOf(document.groups), expected);
    const scored = await runCli([
      "score",
      predictions,
      "--dataset",
      table,
      "--groups",
      "column:writer",
      ...json,
    ]);
    t.deepEqual(countsOf(JSON.parse(scored.stdout).groups), expected, scored.stderr);
    const found = await evaluate({
      dataset: table,
      groups: "column:writer",
      where: "label=3,5",
      batchSize: 100,
    });
    t.deepEqual(found.where, { labels: [3, 5] });
    t.is(
      found.result.total,
      countsOf(found.groups).reduce((sum, [, total]) => sum + Number(total), 0),
    );
    // A baseline that names no groups still needs the column of the table.
    const plain = await evaluate({ dataset: table, groupColumn: "writer" });
    t.is(plain.groups, undefined);
    t.is(plain.result.correct, document.result.correct);
  },
);

test("groups are folders on the way to pictures, by their level", async (t) => {
  const folder = await folderOf(t, {
    "test/0/ann/a.png": greyPng(10),
    "test/0/ben/b/c.png": greyPng(20),
    "test/1/ann/d.png": greyPng(30),
    "train/0/x.png": greyPng(30),
  });
  const weights = randomNetwork([SIDE * SIDE, 2]);
  const counted = async (groups: string) =>
    (await evaluate({ dataset: folder, weights, groups, threads: 1 })).groups?.map(({ name, total }) => [
      name,
      total,
    ]);
  t.deepEqual(await counted("folder:1"), [
    ["0", 2],
    ["1", 1],
  ]);
  t.deepEqual(await counted("folder:2"), [
    ["ann", 2],
    ["ben", 1],
  ]);
  const deep = await codedAsync(t, counted("folder:3"), "ERR_GROUPS_FILE");
  t.regex(deep.message, /expected 3 folders on the way to each picture, found .*a\.png/);
  const column = await codedAsync(t, counted("column:x"), "ERR_USAGE");
  t.regex(column.message, /--group-column: expected a CSV table/);
});

test("groups that a set does not have are refused in one line", async (t) => {
  const folder = await temporaryFolder(t);
  const table = join(folder, "t.csv");
  await writeFile(table, "label,a,b,c,d,who\n1,0,1,2,3,x\n0,4,5,6,7,\n");
  const network = randomNetwork([4, 2]);
  const given = { dataset: table, weights: network, threads: 1, imageShape: "2x2" } as const;
  const refused = [
    [{ groups: "column:whom" }, "ERR_DATASET_FORMAT", /a column "whom", found label, a, b …/],
    [{ groups: "column:who" }, "ERR_CSV_ROW", /the name of a group, found an empty cell/],
    [{ groups: "folder:1", groupColumn: "who" }, "ERR_GROUPS_FILE", /expected pictures in folders/],
    [{ groups: "column:who", groupColumn: "a" }, "ERR_USAGE", /exclude each other: name one column/],
    [{ groups: "column:who", labels: false }, "ERR_USAGE", /--groups and --no-labels exclude each other/],
    [{ where: "label=x", groupColumn: "who" }, "ERR_OPTION_VALUE", /--where: expected labels from 0 to 255/],
  ] as const;
  for (const [options, code, message] of refused) {
    const error = await codedAsync(t, evaluate({ ...given, ...options }), code);
    t.regex(error.message, message);
  }
  const bundled = await codedAsync(t, evaluate({ groups: "folder:1" }), "ERR_GROUPS_FILE");
  t.regex(bundled.message, /set --groups to a file/);
});

test("--where takes the name of a class before its number", async (t) => {
  const folder = await folderOf(
    t,
    Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`${n}/a.png`, greyPng(n)])),
  );
  const given = { dataset: folder, weights: randomNetwork([SIDE * SIDE, 11]), threads: 0 } as const;
  // In text order 10 is label 2, and label 10 is the class 9.
  for (const [where, label] of [
    ["label=10", 2],
    ["label=9", 10],
  ] as const) {
    const { result } = await evaluate({ ...given, where });
    t.deepEqual(
      result.perClass.map(({ support }) => support),
      Array.from({ length: 11 }, (_, n) => Number(n === label)),
      where,
    );
  }
  await codedAsync(t, evaluate({ ...given, where: "label=12" }), "ERR_WHERE_EMPTY");
});
