/** `--dataset` several times: one table, one document, the worst status. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { evaluate, openDataset } from "#src/index.js";
import { runCli } from "../helpers/cli.js";
import { validate } from "../helpers/published-schemas.js";
import { temporaryFolder } from "../helpers/temporary.js";

/** The bundled set's first images as a table. */
async function tableOf(folder: string, name: string, images: number): Promise<string> {
  const { pixels, labels } = await firstImages(images);
  const rows = Array.from({ length: images }, (_, n) =>
    [labels[n], ...pixels.subarray(n * 784, (n + 1) * 784)].join(","),
  );
  const path = join(folder, name);
  await writeFile(
    path,
    `${["label", ...Array.from({ length: 784 }, (_, n) => `pixel${n}`)].join(",")}\n${rows.join("\n")}\n`,
  );
  return path;
}

async function firstImages(images: number) {
  const set = await openDataset({ dataset: "bundled", split: "test" });
  const slabs = set.slabs({ offset: 0, limit: images }, { multiple: images, lanes: 1 });
  for await (const slab of slabs) {
    const found = { pixels: slab.pixels.slice(0, images * 784), labels: slab.labels.slice(0, images) };
    await slabs.stop();
    return found;
  }
  throw new Error("no slab");
}

test("several sets are one table and one document, each with the result that it has alone", async (t) => {
  const folder = await temporaryFolder(t);
  const table = await tableOf(folder, "few.csv", 300);
  const json = join(folder, "sets.json");
  const markdown = join(folder, "sets.md");
  const args = [
    "--dataset",
    "bundled",
    "-d",
    table,
    "--threads",
    "2",
    "--output",
    json,
    "--output",
    markdown,
  ];
  const { stdout, stderr, status } = await runCli(args);
  t.is(status, 0, stderr);
  t.regex(
    stdout,
    /^Data set +Images +Correct +Accuracy +95 % interval\nbundled +10,000 +9,\d\d\d +0\.\d{4} +0\.\d{4} to 0\.\d{4}\n/,
  );
  const document = JSON.parse(await readFile(json, "utf8"));
  t.deepEqual(validate("sets-report", document), []);
  for (const [n, dataset] of ["bundled", table].entries()) {
    const { name, status: one, evaluation } = document.sets[n];
    const { result } = await evaluate({ dataset });
    t.deepEqual([name, one], [dataset, "passed"]);
    t.deepEqual(validate("result", evaluation), []);
    t.deepEqual(evaluation.result.confusionMatrix, result.confusionMatrix);
  }
  t.regex(await readFile(markdown, "utf8"), /\| bundled +\| 10,000 \|/);
});

test("gates judge each set; the worst fault sets the status, and the others still run", async (t) => {
  const folder = await temporaryFolder(t);
  const missing = join(folder, "none.csv");
  const given = ["--dataset", "bundled", "--dataset", missing, "--limit", "200", "--format", "json"];
  const broken = await runCli([...given, "--min-accuracy", "0.5"]);
  t.is(broken.status, 3, broken.stderr);
  const { sets } = JSON.parse(broken.stdout);
  t.deepEqual(
    sets.map(({ status }: { readonly status: string }) => status),
    ["passed", "error"],
  );
  t.is(sets[1].evaluation, null);
  const missed = await runCli([
    "--dataset",
    "bundled",
    "--dataset",
    "bundled",
    "--limit",
    "200",
    "--min-accuracy",
    "1",
    "--offset",
    "200",
  ]);
  t.is(missed.status, 100, missed.stderr);
  t.is(missed.stderr.match(/ERR_GATE_ACCURACY/g)?.length, 2);
});

test("an interrupt keeps the sets that are done, and exits 130", async (t) => {
  const slow = ["--engine", "reference", "--threads", "1", "--batch-size", "1", "--format", "json"];
  const folder = await temporaryFolder(t);
  const table = await tableOf(folder, "few.csv", 20);
  const { status, stdout, stderr } = await runCli(
    ["--dataset", table, "--dataset", "bundled", "--dataset", table, ...slow],
    {
      onStderr: (command, text) => {
        if (text.includes("(2 of 3)")) command.kill("SIGINT");
      },
    },
  );
  t.is(status, 130, stderr);
  const { sets } = JSON.parse(stdout);
  t.is(sets[0].evaluation.result.total, 20);
  t.true(sets[0].evaluation.result.complete);
  t.deepEqual(
    sets.map(({ status: one }: { readonly status: string }) => one),
    ["passed", "error", "error"],
  );
});

test("what belongs to one set is refused with several; a configuration may list sets for evaluate alone", async (t) => {
  const folder = await temporaryFolder(t);
  const two = ["--dataset", "bundled", "--dataset", "bundled"];
  const refused: readonly (readonly string[])[] = [
    ["--labels", "x"],
    ["--no-labels"],
    ["--predictions", join(folder, "p.csv")],
    ["--report", join(folder, "r.html")],
    ["--resume", join(folder, "j.ndjson")],
    ["--where", "label=3"],
    ["--shard", "1/2"],
    ["--format", "csv"],
  ];
  for (const args of refused) {
    const { status, stderr } = await runCli([...two, ...args]);
    t.is(status, 2, stderr);
    t.regex(
      stderr,
      new RegExp(`ERR_USAGE: ${args[0]}.*: expected one --dataset, found 2: run one command for each set`),
    );
  }
  const config = join(folder, "batchwise.config.json");
  await writeFile(config, JSON.stringify({ dataset: ["bundled", "bundled"], limit: 100 }));
  const listed = await runCli([], { cwd: folder });
  t.is(listed.stdout.match(/^bundled/gm)?.length, 2, listed.stderr);
  const shown = await runCli(["show", "0"], { cwd: folder });
  t.is(shown.status, 2);
  t.regex(shown.stderr, /ERR_CONFIG_VALUE: .*one data set for this command/);
});
