import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { ErrorCode } from "#src/base/errors.js";
import { runCli } from "../../helpers/cli.js";
import { junitFaults, parseJunit } from "../../helpers/junit.js";
import { mnist, needs } from "../../helpers/require.js";
import { writeSuite } from "../../helpers/suites.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const GOOD = { name: "good", limit: 200, minAccuracy: 0.9 };
const STRICT = { name: "strict", limit: 200, expectAccuracy: 0.5 };
const BROKEN = { name: "broken", weights: "nowhere.npz" };

test("passes a suite that passes", async (t) => {
  const path = await writeSuite(await temporaryFolder(t), [GOOD]);
  const { status, stdout, stderr } = await runCli(["check", path]);
  t.is(status, 0, stderr);
  t.regex(stdout, /^passed {2}good {2}\S+ {2}\d+ of 200\n1 check: 1 passed, 0 failed, 0 errors\n$/);
  t.is(stderr, "checking good (1 of 1)\n");
});

test("exits with 100 where a demand is missed, and with the error's own status where one is broken", async (t) => {
  const folder = await temporaryFolder(t);
  const missed = await runCli(["check", await writeSuite(folder, [GOOD, STRICT]), "--quiet"]);
  t.is(missed.status, 100);
  t.regex(missed.stderr, /^batchwise: ERR_GATE_ACCURACY: strict: --expect-accuracy: .+\n$/);
  const [junit, json] = [join(folder, "x.xml"), join(folder, "x.json")];
  const path = await writeSuite(folder, [STRICT, BROKEN, GOOD]);
  const args = ["check", path, "--quiet", "--threads", "2", "--output", junit, "--output", json];
  const { status, stdout, stderr } = await runCli(args);
  t.is(status, 3);
  t.is(stderr.split("\n").length, 3);
  t.regex(stderr, /\nbatchwise: ERR_NETWORK_UNKNOWN: broken: .+\n$/);
  t.regex(stdout, /\n3 checks: 1 passed, 1 failed, 1 error\n$/);
  const root = parseJunit(await readFile(junit, "utf8"));
  t.deepEqual(junitFaults(root), []);
  t.deepEqual([root.attributes.failures, root.attributes.errors], ["1", "1"]);
  const { checks } = JSON.parse(await readFile(json, "utf8"));
  t.is(checks[2].evaluation.run.threads, 2);
});

const REFUSED: readonly [args: string[], status: number, code: ErrorCode][] = [
  [["nowhere.json"], 3, "ERR_FILE_READ"],
  [[], 2, "ERR_USAGE"],
  [["package.json"], 3, "ERR_JSON_SHAPE"],
  [["package.json", "--format", "csv"], 2, "ERR_OPTION_UNKNOWN"],
  [["package.json", "--output", "a.csv"], 2, "ERR_OPTION_VALUE"],
  [["package.json", "--output", "no/such/folder/a.xml"], 6, "ERR_OUTPUT_WRITE"],
];

test("refuses a suite that it cannot read, and an answer that it cannot write", async (t) => {
  for (const [args, status, code] of REFUSED) {
    const found = await runCli(["check", "--quiet", ...args]);
    t.deepEqual([found.status, found.stdout], [status, ""], found.stderr);
    t.regex(found.stderr, new RegExp(`^batchwise: ${code}: .+\n$`));
  }
});

needs("mnist", mnist !== undefined)("checks the book's network and ours on MNIST", async (t) => {
  const dataset = mnist ?? "";
  const weights = join(dataset, "sample_weight.pkl");
  const path = await writeSuite(await temporaryFolder(t), {
    threads: 2,
    evaluations: [
      { name: "the book", dataset, weights, expectAccuracy: 0.9352 },
      {
        name: "the book, training images",
        dataset,
        split: "train",
        weights,
        engine: "simd",
        minAccuracy: 0.93,
      },
      { name: "ours", dataset, minAccuracy: 0.98, minClassRecall: 0.99 },
    ],
  });
  const { status, stdout } = await runCli(["check", path, "--quiet"]);
  t.is(status, 100);
  t.regex(stdout, /^passed {2}the book +0\.9352 +9,352 of 10,000\n/);
  t.regex(
    stdout,
    /\nfailed {2}ours .*\n {8}--min-class-recall: .+\n3 checks: 2 passed, 1 failed, 0 errors\n$/,
  );
});
