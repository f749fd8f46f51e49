/** `--where` and `--groups`: counts of slices, held to NumPy's, and runs that cannot have them. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { runCli } from "../helpers/cli.js";
import { validate } from "../helpers/published-schemas.js";
import { pythonWith, runPython } from "../helpers/python.js";
import { needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

const python = pythonWith("numpy");
const withNumpy = needs("numpy", python !== undefined);

/** Counts by group, as pandas' groupby gives them: of all images, and of those with the labels 3 and 5. */
const GROUP_BY = `
import csv, json, sys
import numpy as np
rows = list(csv.DictReader(open(sys.argv[1])))
group = np.array([row["group"] for row in csv.DictReader(open(sys.argv[2]))])
label, prediction = (np.array([int(row[name]) for row in rows]) for name in ("label", "prediction"))
def counts(chosen):
    return [[str(name), int((chosen & (group == name)).sum()), int((chosen & (group == name) & (label == prediction)).sum())]
            for name in np.unique(group)]
print(json.dumps([counts(label >= 0), counts(np.isin(label, [3, 5]))]))`;

type Counted = readonly [name: string, total: number, correct: number];

withNumpy("accuracy by group equals NumPy's, of all images and of two labels, by any engine", async (t) => {
  const folder = await temporaryFolder(t);
  const at = (name: string) => join(folder, name);
  const names = ["east", "north, far", "west"];
  const lines = Array.from({ length: 10_000 }, (_, n) => `${n},"${names[(n * 7919 + (n >> 3)) % 3]}"\n`);
  await writeFile(at("groups.csv"), `image,group\n${lines.join("")}`);
  const all = await runCli([
    "--predictions",
    at("all.csv"),
    "--groups",
    at("groups.csv"),
    "--output",
    at("all.json"),
  ]);
  t.is(all.status, 0, all.stderr);
  t.regex(all.stdout, /^Group +Total +Correct +Accuracy +95 % interval\neast +3,\d\d\d /);
  const expected = runPython(
    python,
    GROUP_BY,
    at("all.csv"),
    at("groups.csv"),
  ) as readonly (readonly Counted[])[];
  const read = async (name: string) => {
    const document = JSON.parse(await readFile(at(name), "utf8"));
    t.deepEqual(validate("result", document), []);
    return document;
  };
  const countsOf = ({
    groups,
  }: {
    readonly groups: readonly Record<"name" | "total" | "correct", unknown>[];
  }) => groups.map(({ name, total, correct }) => [name, total, correct]);
  const whole = await read("all.json");
  t.deepEqual(countsOf(whole), expected[0]);
  t.is(whole.groups[0].accuracy, whole.groups[0].correct / whole.groups[0].total);

  for (const engine of ["simd", "ml-matrix"]) {
    const args = ["--where", "label=3,5", "--groups", at("groups.csv"), "--engine", engine, "--threads", "2"];
    const { status, stderr } = await runCli([
      ...args,
      "--output",
      at("part.json"),
      "--output",
      at("part.md"),
    ]);
    t.is(status, 0, stderr);
    const part = await read("part.json");
    t.deepEqual(countsOf(part), expected[1]);
    t.deepEqual(part.where, { labels: [3, 5] });
    const [total, correct] = [1, 2].map((n) =>
      expected[1]?.reduce((sum, counts) => sum + Number(counts[n]), 0),
    );
    t.is(part.result.total, total);
    t.is(part.result.correct, correct);
    t.deepEqual(part.result.confusionMatrix[3], whole.result.confusionMatrix[3]);
    t.is(part.result.perClass[4].support, 0);
    t.regex(await readFile(at("part.md"), "utf8"), /Only images with the labels 3, 5 are counted/);
  }

  const scored = ["score", at("all.csv"), "--dataset", "bundled", "--where", "label=3,5"];
  const files = ["--groups", at("groups.csv"), "--predictions", at("few.csv"), "--output", at("scored.json")];
  t.is((await runCli([...scored, ...files])).status, 0);
  t.deepEqual(countsOf(await read("scored.json")), expected[1]);
  const few = (await readFile(at("few.csv"), "utf8")).trimEnd().split("\n").slice(1);
  const kept = (await readFile(at("all.csv"), "utf8")).split("\n").filter((line) => /^\d+,[35],/.test(line));
  t.deepEqual(
    few.map((line) => line.split(",").slice(0, 3)),
    kept.map((line) => line.split(",").slice(0, 3)),
  );
});

test("a slice judges its gates, and refuses what counts other images", async (t) => {
  const folder = await temporaryFolder(t);
  const groups = join(folder, "groups.txt");
  await writeFile(groups, "a\nb\n");
  const tables = [
    ["named.csv", "filename,group\n1.png,a\n0.png,b\n"],
    ["turned.csv", "index,group\n1,a\n0,b\n"],
  ] as const;
  for (const [name, text] of tables) await writeFile(join(folder, name), text);
  const gate = ["--where", "label=3", "--min-accuracy"];
  const { result } = JSON.parse((await runCli([...gate, "0.5", "--format", "json"])).stdout);
  t.is(result.total, result.perClass[3].support);
  t.is((await runCli([...gate, "1"])).status, result.accuracy === 1 ? 0 : 100);
  const refused: readonly (readonly [args: readonly string[], status: number, message: RegExp])[] = [
    [["--groups", groups], 3, /ERR_GROUPS_FILE: .*a group for each of the 10,000 images of bundled, found 2/],
    [
      ["--groups", join(folder, "named.csv")],
      3,
      /a column group, alone or beside index, .* found "filename"/,
    ],
    [["--groups", join(folder, "turned.csv")], 3, /expected image 0 on line 2, found 1/],
    [
      ["--where", "label=99", "--min-class-recall", "0.9"],
      3,
      /ERR_WHERE_EMPTY: --where: .* the labels 99, found none/,
    ],
    [["--where", "3"], 2, /ERR_OPTION_VALUE: --where: expected label= and labels/],
    [["--where", "label=cat"], 2, /ERR_OPTION_VALUE: --where: expected labels from 0 to 255/],
    [["--where", "label=3", "--shard", "1/2"], 2, /ERR_USAGE: --where and --shard exclude each other/],
    [["--where", "label=3", "--top-k", "2"], 2, /sums of probabilities are those of all images/],
    [["--groups", groups, "--no-labels"], 2, /--groups and --no-labels exclude each other/],
  ];
  for (const [args, status, message] of refused) {
    const found = await runCli(args);
    t.is(found.status, status, found.stderr);
    t.regex(found.stderr, message);
  }
});
