/** The formats of an evaluation, as another tool reads what the command line wrote. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { atLeast, RunError } from "#src/base/errors.js";
import { allocateSlab } from "#src/base/slab.js";
import { predictionsTarget } from "#src/cli/commands/report-file.js";
import { closeListeners } from "#src/evaluate/listeners.js";
import { readPredictions } from "#src/evaluate/predictions/reader.js";
import { PredictionsOutput } from "#src/evaluate/predictions/writer.js";
import { readResult } from "#src/evaluate/read-result.js";
import { runCli, signalled } from "../../helpers/cli.js";
import { junitFaults, parseJunit } from "../../helpers/junit.js";
import { validate } from "../../helpers/published-schemas.js";
import { pythonWith, runPython } from "../../helpers/python.js";
import { needs } from "../../helpers/require.js";
import { sampleEvaluation } from "../../helpers/sample-result.js";
import { temporaryFolder } from "../../helpers/temporary.js";
import { allWithin } from "../../helpers/xml.js";

const python = pythonWith("csv", "json");
/** Ten thousand messages, so that a signal comes before the end however busy the machine is. */
const SLOW = ["--engine", "reference", "--threads", "1", "--batch-size", "1"];
const SMALL = ["--limit", "300", "--threads", "0", "--quiet"];

const SHAPES: readonly (readonly string[])[] = [
  [],
  ["--engine", "simd"],
  ["--calibration"],
  ["--top-k", "3", "--bootstrap", "50", "--engine", "simd"],
  ["--threads", "2", "--offset", "9990"],
  ["--no-labels", "--dataset", "fixtures/digits-images-idx3-ubyte.gz"],
];
test("JSON fits the published schema, whatever is asked for, and where the run was interrupted", async (t) => {
  for (const args of SHAPES) {
    const { status, stdout, stderr } = await runCli([...SMALL, "--format", "json", ...args]);
    t.is(status, 0, stderr);
    t.deepEqual(validate("result", JSON.parse(stdout)), [], args.join(" "));
  }
  const partial = await runCli([...SLOW, "--calibration", "--format", "json"], signalled("SIGINT"));
  t.is(partial.status, 130);
  const document = JSON.parse(partial.stdout);
  t.deepEqual(validate("result", document), []);
  t.false(document.result.complete);
});

test("reads back the result that it wrote", async (t) => {
  const path = join(await temporaryFolder(t), "r.json");
  const { stdout } = await runCli([...SMALL, "--output", path, "--format", "json", "--calibration"]);
  t.deepEqual(await readResult(path), JSON.parse(stdout));
});

test("writes every format at once, also when a gate is missed", async (t) => {
  const folder = await temporaryFolder(t);
  const names = ["r.csv", "r.json", "r.md", "r.txt", "r.xml"];
  const outputs = names.flatMap((name) => ["--output", join(folder, name)]);
  const gates = ["--min-accuracy", "0.5", "--min-class-recall", "1"];
  const { status, stdout, stderr } = await runCli([...SMALL, ...outputs, ...gates], {
    env: { NO_COLOR: "", FORCE_COLOR: "2" },
  });
  t.is(status, 100);
  t.regex(
    stderr,
    /^batchwise: ERR_GATE_CLASS_RECALL: --min-class-recall: expected .* found 0\.\d+ for class \d, 0\.\d+ too low\n$/,
  );
  t.deepEqual((await readdir(folder)).sort(), names);
  const root = parseJunit(await readFile(join(folder, "r.xml"), "utf8"));
  t.deepEqual(junitFaults(root), []);
  t.like(root.attributes, { tests: "3", failures: "1", errors: "0" });
  t.regex(await readFile(join(folder, "r.md"), "utf8"), /\*\*failed\*\*/);
  t.is((await readFile(join(folder, "r.csv"), "utf8")).split("\n").length, 12);
  // Colour was forced: it is on stdout, and in no file.
  t.true(stdout.includes("\u001b["));
  for (const name of names) t.false((await readFile(join(folder, name), "utf8")).includes("\u001b"), name);
});

test("writes no colour into a pipe, and none where NO_COLOR or --no-color forbid it", async (t) => {
  const plain = await runCli(SMALL, { env: { NO_COLOR: "" } });
  const forbidden = await runCli(SMALL, { env: { NO_COLOR: "1", FORCE_COLOR: "2" } });
  const refused = await runCli([...SMALL, "--no-color"], { env: { NO_COLOR: "", FORCE_COLOR: "2" } });
  for (const { stdout } of [plain, forbidden, refused]) t.false(stdout.includes("\u001b"));
});

test("a partial run is an error in JUnit", async (t) => {
  const path = join(await temporaryFolder(t), "r.xml");
  const options = signalled("SIGINT");
  const args = [...SLOW, "--min-accuracy", "0.5", "--output", path];
  t.is((await runCli(args, options)).status, 130);
  const root = parseJunit(await readFile(path, "utf8"));
  t.deepEqual(junitFaults(root), []);
  t.like(root.attributes, { tests: "1", failures: "0", errors: "1" });
  t.is(allWithin(root).find(({ name }) => name === "error")?.attributes.type, "ERR_INTERRUPTED");
});

test("where there is no result, JUnit says why, and other files stay as they were, and none is added", async (t) => {
  const folder = await temporaryFolder(t);
  const [xml, json] = [join(folder, "r.xml"), join(folder, "r.json")];
  await writeFile(xml, "from an earlier run");
  await writeFile(json, "from an earlier run");
  const outputs = ["--output", xml, "--output", json, "--predictions", join(folder, "p.csv")];
  const args = ["--weights", "no.pkl", ...outputs, "--format", "junit", "--quiet"];
  const { status, stdout } = await runCli(args);
  t.is(status, 3);
  const root = parseJunit(await readFile(xml, "utf8"));
  t.deepEqual(junitFaults(root), []);
  t.is(allWithin(root).find(({ name }) => name === "error")?.attributes.type, "ERR_NETWORK_UNKNOWN");
  t.is(stdout, await readFile(xml, "utf8"));
  t.is(await readFile(json, "utf8"), "from an earlier run");
  t.deepEqual((await readdir(folder)).sort(), ["r.json", "r.xml"]);
});

test("writes predictions as ndjson and as csv, and tells of them in the result", async (t) => {
  for (const ending of ["ndjson", "csv"] as const) {
    const folder = await temporaryFolder(t);
    const [path, result] = [join(folder, `p.${ending}`), join(folder, "r.json")];
    const args = ["--predictions", path, "--output", result, "--offset", "100", "--top-k", "2"];
    t.is((await runCli([...SMALL, ...args])).status, 0);
    t.deepEqual(validate("result", JSON.parse(await readFile(result, "utf8"))), []);
    const { predictionsFile, result: counts } = await readResult(result);
    const sha256 = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    t.deepEqual(predictionsFile, { path, sha256, format: ending });
    let index = 100;
    let correct = 0;
    for await (const one of readPredictions(path, { sha256, format: ending })) {
      t.is(one.index, index++);
      t.deepEqual(one.topK[0], { class: one.prediction, probability: one.probability });
      t.is(one.topK.length, 2);
      t.is(one.correct, one.prediction === one.label);
      correct += Number(one.correct);
    }
    t.is(index, 400, ending);
    t.is(correct, counts.labelled ? counts.correct : -1, ending);
  }
});

test("predicts without labels: label and correct are null, the rest is as with labels", async (t) => {
  const folder = await temporaryFolder(t);
  const [without, scored] = [join(folder, "a.ndjson"), join(folder, "b.ndjson")];
  const images = ["--no-labels", "--dataset", "fixtures/digits-images-idx3-ubyte.gz"];
  t.is((await runCli([...SMALL, ...images, "--predictions", without])).status, 0);
  t.is((await runCli([...SMALL, "--predictions", scored])).status, 0);
  const [found, expected] = atLeast(
    await Promise.all(
      [without, scored].map(async (path) =>
        (await readFile(path, "utf8"))
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line)),
      ),
    ),
    2,
  );
  t.deepEqual(
    found,
    expected.map((one) => ({ ...one, label: null, correct: null })),
  );
  t.is(found[0].topK.length, 5);
});

needs("python", python !== undefined)("Python's csv and json read the predictions", async (t) => {
  const folder = await temporaryFolder(t);
  const [csv, ndjson] = [join(folder, "p.csv"), join(folder, "p.ndjson")];
  for (const path of [csv, ndjson]) await runCli([...SMALL, "--predictions", path]);
  const script = `
import csv, json, sys
table = list(csv.DictReader(open(sys.argv[1], newline="")))
lines = [json.loads(line) for line in open(sys.argv[2])]
same = all(float(a["probability"]) == b["probability"] and int(a["label"]) == b["label"]
           and float(a["top5Probability"]) == b["topK"][4]["probability"] for a, b in zip(table, lines))
print(json.dumps([len(table), len(lines), same]))`;
  t.deepEqual(runPython(python, script, csv, ndjson), [300, 300, true]);
});

test("what an interrupted run had predicted is kept under a name that says so", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "p.ndjson");
  const options = signalled("SIGINT");
  const args = [...SLOW, "--predictions", path, "--format", "json"];
  const { status, stdout } = await runCli(args, options);
  t.is(status, 130);
  const { predictionsFile } = JSON.parse(stdout);
  // The first slab may not have been done yet.
  const expected = predictionsFile === null ? [] : ["p.ndjson.partial"];
  t.deepEqual(await readdir(folder), expected);
});

test("refuses predictions in another format or where nothing can be written", async (t) => {
  const other = await runCli([...SMALL, "--predictions", "p.parquet"]);
  t.is(other.status, 2);
  t.regex(other.stderr, /ERR_OPTION_VALUE: --predictions: expected a file ending in \.ndjson or \.csv/);
  const nowhere = await runCli([...SMALL, "--predictions", "no/such/folder/p.csv"]);
  t.is(nowhere.status, 6);
});

test("a baseline is held, missed with 100, and refused with 3 where it is of other images", async (t) => {
  const folder = await temporaryFolder(t);
  const [baseline, xml] = [join(folder, "b.json"), join(folder, "r.xml")];
  t.is((await runCli([...SMALL, "--output", baseline])).status, 0);
  const gate = [...SMALL, "--baseline", baseline];
  t.is((await runCli(gate)).status, 0);

  const before = JSON.parse(await readFile(baseline, "utf8"));
  const better = { ...before, result: { ...before.result, correct: before.result.correct + 1 } };
  await writeFile(baseline, JSON.stringify(better));
  const worse = await runCli(gate);
  t.is(worse.status, 100);
  t.regex(
    worse.stderr,
    /^batchwise: ERR_GATE_REGRESSION: --max-regression: expected .*, found .*, 0\.00\d\d below\n$/,
  );
  t.is((await runCli([...gate, "--max-regression", "0.004"])).status, 0);

  const other = await runCli([...gate, "--limit", "200", "--output", xml]);
  t.is(other.status, 3);
  t.regex(other.stderr, /^batchwise: ERR_BASELINE_DATA: /);
  // Refused before the first batch: there is no answer.
  t.is(other.stdout, "");
  t.like(parseJunit(await readFile(xml, "utf8")).attributes, { failures: "0", errors: "1" });
});

test("refuses gates that cannot be judged", async (t) => {
  const alone = await runCli([...SMALL, "--max-regression", "0.1"]);
  t.is(alone.status, 2);
  t.regex(alone.stderr, /--max-regression needs --baseline/);
  const images = ["--no-labels", "--dataset", "fixtures/digits-images-idx3-ubyte.gz"];
  t.is((await runCli([...SMALL, ...images, "--min-class-recall", "0.5"])).status, 2);
  const unreadable = await runCli([...SMALL, "--baseline", "package.json"]);
  t.is(unreadable.status, 3);
  t.regex(unreadable.stderr, /ERR_JSON_SHAPE: package\.json: /);
});

test("predictions that cannot be written are a fault beside the whole evaluation", async (t) => {
  const folder = join(await temporaryFolder(t), "gone");
  await mkdir(folder);
  const target = await predictionsTarget(join(folder, "p.csv"), {});
  t.is(target.topK, 5);
  const output = await PredictionsOutput.open(target);
  const slab = allocateSlab({ firstImage: 0, count: 1, inputs: 4 });
  await output.slab({
    ...slab,
    probabilities: Float64Array.from([0.75, 0.25]),
    ranking: Uint16Array.from([0, 1]),
  });
  await rm(folder, { recursive: true });
  const { evaluation, written, faults } = await closeListeners([output], {
    evaluation: { ...sampleEvaluation(), predictionsFile: null },
  });
  t.is(evaluation?.predictionsFile, null);
  t.is(evaluation?.result.total, 11);
  t.deepEqual([written.length, faults.length], [0, 1]);
  t.true(faults[0] instanceof RunError && faults[0].code === "ERR_OUTPUT_WRITE");
});

// A young generation that is told to stay as large as it is.

const MODULE = new URL("../../../src/cli/commands/evaluate.js", import.meta.url);

/** Much garbage, of which a little always survives; prints the bytes of the young generation. */
const PROGRAM = `
  import { getHeapSpaceStatistics } from "node:v8";
  import { keepYoungGenerations } from ${JSON.stringify(MODULE.href)};
  if (process.argv.includes("keep")) keepYoungGenerations();
  const held = new Array(5000);
  for (let n = 0; n < 2e6; n++) held[n % held.length] = { n, rows: [n, n, n, n] };
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
  console.log(young.space_size);
`;

async function youngBytes(...args: string[]): Promise<number> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "-e", PROGRAM, ...args],
    // A record of coverage allocates too.
    { env: { ...process.env, NODE_V8_COVERAGE: undefined } },
  );
  return Number(stdout);
}

test("the young generation stays small when it is told to, and grows when it is not", async (t) => {
  const [kept, grown] = [await youngBytes("keep"), await youngBytes()];
  t.true(kept <= 4 * 2 ** 20, `${kept}`);
  t.true(grown >= 2 * kept, `${grown}`);
});
