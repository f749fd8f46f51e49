import { createHash } from "node:crypto";
import { copyFile, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";
import { FIXTURES } from "#src/base/package.js";
import { DATA_ID, type PageData, PIXELS_ID } from "#src/reports/html/page-data.js";
import { runCli } from "../../helpers/cli.js";
import { blockOf } from "../../helpers/report-input.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const MEGABYTES = 10 ** 6;
const IMAGES = "digits-images-idx3-ubyte.gz";
const LABELS = "digits-labels-idx1-ubyte.gz";

async function readReport(path: string): Promise<{ data: PageData; pixels: string }> {
  const html = await readFile(path, "utf8");
  return { data: JSON.parse(blockOf(html, DATA_ID)), pixels: blockOf(html, PIXELS_ID) };
}

/** A result of 300 images and its predictions, in a folder of their own. */
async function evaluated(t: ExecutionContext, args: readonly string[] = [], predictions = "p.ndjson") {
  const folder = await temporaryFolder(t);
  const paths = {
    result: join(folder, "result.json"),
    predictions: join(folder, predictions),
    report: join(folder, "result.html"),
    direct: join(folder, "direct.html"),
  };
  const outputs = ["--output", paths.result, "--predictions", paths.predictions, "--report", paths.direct];
  const run = await runCli(["--threads", "0", "--offset", "20", "--limit", "300", ...outputs, ...args]);
  t.is(run.status, 0, run.stderr);
  return paths;
}

async function change(path: string, edit: (text: string) => string): Promise<void> {
  await writeFile(path, edit(await readFile(path, "utf8")));
}

test("--report writes one file of less than 2 MB, with scores and the interval of macro F1", async (t) => {
  const path = join(await temporaryFolder(t), "report.html");
  const { status, stderr } = await runCli(["--threads", "2", "--engine", "simd", "--report", path]);
  t.is(status, 0, stderr);
  t.true((await stat(path)).size < 2 * MEGABYTES);
  const { data } = await readReport(path);
  t.is(data.result.correct, 9947);
  t.is(data.result.macroF1Interval95?.resamples, 1000);
  t.is(data.result.scores?.topK.k, 5);
  t.is(data.timeline.total, 100);
  t.is(data.images.filter(({ label, prediction }) => label !== prediction).length, 53);
  t.is(data.images.length, 53 + 10 * 24);
});

test("a report made afterwards from either file of predictions is the one that --report wrote", async (t) => {
  for (const predictions of ["p.ndjson", "p.csv"]) {
    const paths = await evaluated(t, ["--top-k", "10"], predictions);
    const { status, stdout, stderr } = await runCli(["report", paths.result]);
    t.is(status, 0, stderr);
    t.is(stdout, `${paths.report}\n`);
    t.deepEqual(await readReport(paths.report), await readReport(paths.direct), predictions);
  }
});

test("finds predictions that moved together with their result", async (t) => {
  const { result, predictions, direct } = await evaluated(t);
  const folder = await temporaryFolder(t);
  const moved = join(folder, "result.json");
  await rename(result, moved);
  await rename(predictions, join(folder, "p.ndjson"));
  const { status, stdout, stderr } = await runCli(["report", moved]);
  t.is(status, 0, stderr);
  t.is((await readReport(stdout.trimEnd())).pixels, (await readReport(direct)).pixels);
  await rename(join(folder, "p.ndjson"), join(folder, "elsewhere"));
  t.regex((await runCli(["report", moved])).stderr, /ERR_FILE_READ: .*none of this name beside the result/);
});

test("a report tells nothing of where files lie", async (t) => {
  const { direct } = await evaluated(t);
  t.false((await readFile(direct, "utf8")).includes(fileURLToPath(FIXTURES)));
  t.false("location" in (await readReport(direct)).data.dataset);
});

test("report refuses a result without predictions, and one without labels", async (t) => {
  const result = join(await temporaryFolder(t), "r.json");
  for (const [args, words] of [
    [[], /.*r\.json: expected .* found one without predictions; evaluate again/],
    [["--no-labels"], /.* found one without labels/],
  ] as const) {
    await runCli(["--threads", "0", "--limit", "100", ...args, "--output", result]);
    const { status, stderr } = await runCli(["report", result]);
    t.is(status, 3, stderr);
    t.regex(stderr, new RegExp(`batchwise: ERR_REPORT_RESULT: ${words.source}`));
  }
});

test("report refuses predictions that are others than the result's", async (t) => {
  const paths = await evaluated(t);
  await change(paths.predictions, (text) => text.replace('"index":25', '"index": 25'));
  const { status, stderr } = await runCli(["report", paths.result]);
  t.is(status, 3);
  t.regex(stderr, /ERR_PREDICTIONS_HASH/);
});

test("report refuses predictions that lack images or tell other labels than the data", async (t) => {
  const edits = [
    (text: string) => text.slice(0, text.lastIndexOf("\n", text.length - 2) + 1),
    (text: string) => text.replace(/"label":(\d)/, (_, label) => `"label":${(Number(label) + 1) % 10}`),
  ];
  for (const edit of edits) {
    const paths = await evaluated(t);
    const before = createHash("sha256")
      .update(await readFile(paths.predictions))
      .digest("hex");
    await change(paths.predictions, edit);
    const after = createHash("sha256")
      .update(await readFile(paths.predictions))
      .digest("hex");
    await change(paths.result, (text) => text.replace(before, after));
    const { status, stderr } = await runCli(["report", paths.result]);
    t.is(status, 3);
    t.regex(
      stderr,
      /batchwise: ERR_REPORT_PREDICTIONS: .*expected predictions of 300 images, found (299|300)/,
    );
  }
});

test("report refuses data that have changed since", async (t) => {
  const folder = await temporaryFolder(t);
  for (const name of [IMAGES, LABELS]) await copyFile(new URL(name, FIXTURES), join(folder, name));
  const paths = await evaluated(t, ["--dataset", join(folder, IMAGES), "--labels", join(folder, LABELS)]);
  // gzip's header byte 9 names the system that wrote it, and nothing more.
  const bytes = await readFile(join(folder, LABELS));
  bytes[9]! ^= 1;
  await writeFile(join(folder, LABELS), bytes);
  const { status, stderr } = await runCli(["report", paths.result]);
  t.is(status, 3);
  t.regex(stderr, /batchwise: ERR_REPORT_DATA: .*digits-images.*: expected the data set of .*result\.json/);
});

test("--report refuses images without labels, another ending, and a folder that is not there", async (t) => {
  const noLabels = await runCli(["--no-labels", "--report", "r.html"]);
  t.is(noLabels.status, 2);
  t.regex(noLabels.stderr, /--report and --no-labels exclude each other/);
  const ending = await runCli(["--report", "r.pdf"]);
  t.is(ending.status, 2);
  t.regex(ending.stderr, /--report: expected a file ending in \.html or \.htm, found "r\.pdf"/);
  const folder = await runCli(["--report", join(await temporaryFolder(t), "none", "r.html")]);
  t.is(folder.status, 6);
  t.regex(folder.stderr, /ERR_OUTPUT_WRITE/);
});

test("names of classes reach the report as text", async (t) => {
  const folder = await temporaryFolder(t);
  const classes = join(folder, "classes.txt");
  const names = Array.from({ length: 10 }, (_, n) => `</script><img src=x onerror=alert(${n})>`);
  await writeFile(classes, names.join("\n"));
  const { direct } = await evaluated(t, ["--classes", classes]);
  t.false((await readFile(direct, "utf8")).includes("<img"));
  t.deepEqual((await readReport(direct)).data.classNames, names);
});
