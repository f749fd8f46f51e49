/** `batchwise bench` as a script sees it, on what the repository carries. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { atLeast, ERROR_CODES, type ErrorCode } from "#src/base/errors.js";
import { runCli } from "../../helpers/cli.js";
import { sparseSet } from "../../helpers/sparse-set.js";
import { temporaryFolder } from "../../helpers/temporary.js";
import { allWithin, parseXml } from "../../helpers/xml.js";

const SHORT = ["bench", "--limit", "300", "--repeat", "2", "--warm-up", "1", "--batch-size", "50"];

test("sweeps, prints a table, and writes each file by its ending", async (t) => {
  const folder = await temporaryFolder(t);
  const [json, csv, text, svg] = atLeast(
    ["a.json", "b.csv", "c.txt", "d.svg"].map((name) => join(folder, name)),
    4,
  );
  const outputs = [json, csv, text, svg].flatMap((path) => ["--output", path]);
  const { status, stdout, stderr } = await runCli([...SHORT, "--threads", "1,2", ...outputs]);
  t.is(status, 0, stderr);
  const named = [json, csv, text, svg].map((path) => `written: ${path}\n`).join("");
  t.is(stderr, `timing 4 configurations, offline: 2 rounds or more of 300 images each\n${named}`);
  t.regex(stdout, /\nml-matrix +50 +1 +[\d,]+ +[█▉▊▋▌▍▎▏]/);
  t.regex(stdout, /\nsimd +50 +2 /);
  t.deepEqual((await readdir(folder)).sort(), ["a.json", "b.csv", "c.txt", "d.svg"]);

  const answer = JSON.parse(await readFile(json, "utf8"));
  t.is(answer.schemaVersion, 1);
  t.true(answer.complete);
  t.is(answer.dataset.images, 300);
  t.deepEqual(answer.protocol, {
    warmUpPasses: 1,
    repeat: 2,
    durationSeconds: 0,
    checkedAgainst: "reference",
  });
  t.is(answer.configurations.length, 4);
  t.is(await readFile(text, "utf8"), stdout);
  t.is((await readFile(csv, "utf8")).trim().split("\n").length, 5);
  const chart = allWithin(parseXml(await readFile(svg, "utf8")));
  for (const name of ["ml-matrix, batches of 50", "simd, batches of 50"]) {
    t.true(chart.some((element) => element.text === name));
  }
});

test("refuses a set larger than memory in one line, before it is read", async (t) => {
  const { dataset, labels } = await sparseSet(t, 600_000_000);
  const { status, stdout, stderr } = await runCli(["bench", "--dataset", dataset, "--labels", labels]);
  t.is(status, 2);
  t.is(stdout, "");
  t.regex(
    stderr,
    /^batchwise: ERR_MEMORY: not enough memory: data set "huge-images", 600,000,000 images at once need 472 GB, at most [\d.]+ .B are available; lower --limit, or use evaluate, which streams the images\n$/,
  );
});

test("tells the 90th percentile of single-stream", async (t) => {
  const args = ["bench", "--scenario", "single-stream", "--limit", "40", "--repeat", "1", "--quiet"];
  const { stdout, status } = await runCli([...args, "--engine", "simd"]);
  t.is(status, 0);
  t.regex(stdout, /Scenario : single-stream: /);
  t.regex(stdout, /\nengine +batch +threads +p90 ms /);
  const csv = (await runCli([...args, "--threads", "0,1", "--format", "csv"])).stdout.trim().split("\n");
  const [head, ...rows] = atLeast(csv, 1);
  const names = head.split(",");
  t.is(rows.length, 4);
  for (const row of rows) t.true(Number(row.split(",")[names.indexOf("queryP90Ms")]) > 0);
});

test("gives what was done when it is interrupted, and exits 130", async (t) => {
  const args = ["bench", "--engine", "reference", "--threads", "1", "--duration", "60", "--format", "json"];
  const { status, stdout, stderr } = await runCli(args, {
    onStderr: (command, text) => void (text.startsWith("timing") && command.kill("SIGINT")),
  });
  t.is(status, 130, stderr);
  t.false(JSON.parse(stdout).complete);
  t.regex(stderr, /batchwise: ERR_BENCH_INTERRUPTED: interrupted after [\d,]+ timed passes; .*\n$/);
});

const REFUSED: readonly [args: string[], code: ErrorCode][] = [
  [["--threads", "1,x"], "ERR_OPTION_VALUE"],
  [["--engine", "smd"], "ERR_OPTION_UNKNOWN"],
  [["--scenario", "server"], "ERR_OPTION_UNKNOWN"],
  [["--scenario", "single-stream", "--batch-size", "2"], "ERR_OPTION_VALUE"],
  [["--scenario", "single-stream", "--output", "a.svg"], "ERR_OPTION_VALUE"],
  [["--duration", "-1"], "ERR_OPTION_VALUE"],
  [["--format", "svg"], "ERR_OPTION_UNKNOWN"],
  [["--output", "a.pdf"], "ERR_OPTION_VALUE"],
  [["--output", "no/such/folder/a.svg"], "ERR_OUTPUT_WRITE"],
  [["--dataset", "bundeld"], "ERR_DATASET_UNKNOWN"],
  [["--repeats", "3"], "ERR_USAGE"],
];
test("refuses what it cannot sweep or write, in one line", async (t) => {
  for (const [args, code] of REFUSED) {
    const { status, stdout, stderr } = await runCli(["--quiet", "bench", ...args]);
    t.is(status, ERROR_CODES[code].status, stderr);
    t.regex(stderr, new RegExp(`^batchwise: ${code}: .+\n$`));
    t.is(stdout, "", args.join(" "));
  }
});
