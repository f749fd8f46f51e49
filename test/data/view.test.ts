import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { DatasetError, evaluate, openDataset, UsageError } from "#src/index.js";
import { changedSet, inverted, transposed } from "../helpers/changed-set.js";
import { runCli } from "../helpers/cli.js";
import { temporaryFolder } from "../helpers/temporary.js";

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
    for (const engine of ["ml-matrix", "simd", "reference"]) {
      const { result, dataset } = await evaluate({ ...set, ...view, engine, threads: 1 });
      t.deepEqual(result.confusionMatrix, expected.result.confusionMatrix);
      const labelOffset = Number("labelOffset" in view ? view.labelOffset : 0);
      t.deepEqual(dataset.view, { ...{ invert: false, transpose: false }, ...view, labelOffset });
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
  const { shape, slabs } = await openDataset({ dataset, labels: false, split: "test", transpose: true });
  t.deepEqual(shape, { rows: 3, columns: 2 });
  for await (const { pixels } of slabs({ offset: 0, limit: 1 }, 1))
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
