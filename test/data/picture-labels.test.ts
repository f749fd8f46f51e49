/** Labels of a folder of pictures in a table, as Kaggle has them. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { evaluate, openDataset } from "#src/index.js";
import { copiesOf, ONE_BY_ONE } from "../helpers/all-of.js";
import { folderOf, greyPng, SIDE } from "../helpers/pictures.js";
import { randomNetwork } from "../helpers/random.js";
import { temporaryFile } from "../helpers/temporary.js";
import { codedAsync } from "../networks/coded.js";

const PICTURES = { "0001.png": greyPng(10), "0002.png": greyPng(20), "0003.png": greyPng(30) };

async function opened(t: ExecutionContext, table: string, options: { readonly labelColumn?: string } = {}) {
  const dataset = await folderOf(t, PICTURES);
  return openDataset({
    dataset,
    labels: await temporaryFile(t, table, "labels.csv"),
    split: "test",
    ...options,
  });
}

test("labels of pictures come from a table, by name or by id, as numbers or as texts in text order", async (t) => {
  const tables: readonly (readonly [
    table: string,
    labels: readonly number[],
    names: readonly string[] | undefined,
    assumed: readonly string[],
    labelColumn?: string,
  ])[] = [
    ["filename,label\n0003.png,7\n0001.png,5\n0002.png,6\n", [5, 6, 7], undefined, []],
    ["id,label\r\n0001,5\r\n0002,6\r\n0003,7\r\n", [5, 6, 7], undefined, []],
    ["id,breed\n0001,b\n0002,a\n0003,b\n", [1, 0, 1], ["a", "b"], ['label in column 2, "breed"']],
    [
      "filename,class,label\n0001.png,1,5\n0002.png,2,6\n0003.png,3,7\n",
      [1, 2, 3],
      undefined,
      ['label in column 2, "class"'],
    ],
    ["id,weight,breed\n0001,3,b\n0002,4,a\n0003,5,b\n", [1, 0, 1], ["a", "b"], [], "breed"],
    ['0001.png,"a, b"\n0002.png,a\n0003.png,a\n', [1, 0, 0], ["a", "a, b"], ["label in column 2"]],
  ];
  for (const [table, expected, names, assumed, labelColumn] of tables) {
    const set = await opened(t, table, labelColumn === undefined ? {} : { labelColumn });
    const slabs = await copiesOf(set.slabs({ offset: 0, limit: 3 }, ONE_BY_ONE));
    t.deepEqual(
      slabs.flatMap(({ labels }) => [...labels]),
      [...expected],
      table,
    );
    t.deepEqual(set.facts.classNames, names && [...names], table);
    const found = set.facts.assumptions?.filter(({ subject }) => subject === "labels");
    t.deepEqual(
      found?.map(({ what }) => what),
      [...assumed],
      table,
    );
    const [last] = await copiesOf(set.slabs({ offset: 2, limit: 1 }, ONE_BY_ONE));
    t.is(last?.labels[0], expected[2], table);
  }
});

test("the table may lie beside its pictures, and its labels are part of the hash", async (t) => {
  const dataset = await folderOf(t, PICTURES);
  const labels = join(dataset, "labels.csv");
  const hashes = new Set<string>();
  for (const last of [0, 1]) {
    await writeFile(labels, `id,label\n0001,1\n0002,0\n0003,${last}\n`);
    const set = await openDataset({ dataset, labels, split: "test" });
    t.deepEqual(set.facts.assumptions, []);
    hashes.add(await set.sha256());
  }
  t.is(hashes.size, 2);
  const { result } = await evaluate({
    dataset,
    labels,
    weights: randomNetwork([SIDE * SIDE, 2]),
    threads: 1,
  });
  t.is(result.perClass[1]?.support, 2);
});

test("a picture that is missing, doubled or without a label is named", async (t) => {
  const refused = [
    [
      "id,label\n0001,1\n0009,1\n",
      "ERR_CSV_ROW",
      /line 3: expected the name of a picture below .*, found "0009"/,
    ],
    [
      "id,label\n0001,1\n0001.png,1\n",
      "ERR_CSV_ROW",
      /line 3: .*every picture once, found "0001.png" on lines 2 and 3/,
    ],
    ["id,label\n0001,1\n0002,\n", "ERR_CSV_ROW", /line 3: expected a label, found an empty cell/],
    ["id,label\n0001,1\n0002\n", "ERR_CSV_ROW", /line 3: expected 2 cells, found 1/],
    [
      "id,label\n0001,1\n0002,1\n",
      "ERR_DATASET_FORMAT",
      /a row for each of the 3 pictures of .*, found none for "0003.png"/,
    ],
    ["id\n0001\n", "ERR_DATASET_FORMAT", /a column of pictures and one of labels, found id/],
  ] as const;
  for (const [table, code, message] of refused)
    t.regex((await codedAsync(t, opened(t, table), code)).message, message);
  const twins = await folderOf(t, { "a.png": greyPng(1), "a.PNG": greyPng(2) });
  const labels = await temporaryFile(t, "id,label\na,1\n", "labels.csv");
  const twin = await codedAsync(t, openDataset({ dataset: twins, labels, split: "test" }), "ERR_CSV_ROW");
  t.regex(twin.message, /one picture of a name, found "a", which two have: add its ending/);
  const column = openDataset({ dataset: twins, labels: false, labelColumn: "label", split: "test" });
  t.regex((await codedAsync(t, column, "ERR_USAGE")).message, /--label-column: expected --labels/);
});

test("an order of classes beside a table of labels is refused", async (t) => {
  const dataset = await folderOf(t, PICTURES);
  const labels = await temporaryFile(t, "id,label\n0001,5\n0002,6\n0003,7\n", "labels.csv");
  const set = openDataset({ dataset, labels, split: "test", classOrder: "numeric" });
  t.regex((await codedAsync(t, set, "ERR_USAGE")).message, /--class-order: expected class folders/);
});
