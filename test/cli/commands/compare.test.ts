import { copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { atLeast, type ErrorCode } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import type { ComparisonPageData } from "#src/reports/html/page-data.js";
import { DATA_ID, PIXELS_ID } from "#src/reports/html/page-data.js";
import { runCli } from "../../helpers/cli.js";
import { blockOf } from "../../helpers/report-input.js";
import { mnist, needs } from "../../helpers/require.js";
import { askScikit, withScikit } from "../../helpers/scikit.js";
import { temporaryFolder } from "../../helpers/temporary.js";

const SMALL = ["--limit", "500", "--threads", "1"];

test("compares two networks of the package, in text, JSON and Markdown", async (t) => {
  const folder = await temporaryFolder(t);
  const [json, markdown] = [join(folder, "c.json"), join(folder, "c.md")];
  const args = ["compare", "bundled", "bundled-whiten", ...SMALL, "--output", json, "--output", markdown];
  const { status, stdout, stderr } = await runCli(args);
  t.is(status, 0, stderr);
  t.is(
    stderr,
    `evaluating 500 images of bundled with bundled and with bundled-whiten\nwritten: ${json}\nwritten: ${markdown}\n`,
  );
  t.regex(stdout, /^Data {5}: bundled, test: 500 of 10,000 images\nA {8}: bundled, 784-50-100-10\n/);
  t.regex(stdout, /\nMcNemar {2}: p = \d\.\d{4}, exact: only A right \d, only B right \d\n/);
  const { result, a, b, run } = JSON.parse(await readFile(json, "utf8"));
  t.deepEqual([a.name, b.name, result.total, run.threads], ["bundled", "bundled-whiten", 500, 1]);
  t.regex(await readFile(markdown, "utf8"), /^### A - B: [+-]0\.\d{4}, 95 % interval/);
});

test("compares a result with a network over the result's own images", async (t) => {
  const folder = await temporaryFolder(t);
  const [result, predictions] = [join(folder, "r.json"), join(folder, "p.csv")];
  const first = await runCli([...SMALL, "--offset", "70", "--output", result, "--predictions", predictions]);
  t.is(first.status, 0, first.stderr);
  const { status, stdout, stderr } = await runCli([
    "compare",
    result,
    "bundled",
    "--format",
    "json",
    "--quiet",
  ]);
  t.is(status, 0, stderr);
  const { a, b, dataset, result: found } = JSON.parse(stdout);
  t.is(dataset.offset, 70);
  t.is(a.resultPath, result);
  t.is(b.resultPath, null);
  t.deepEqual(found.right, { both: found.a.correct, onlyA: 0, onlyB: 0, neither: 500 - found.a.correct });
  const other = await runCli(["compare", result, "bundled", "--limit", "30", "--quiet"]);
  t.is(other.status, 3);
  t.regex(other.stderr, /^batchwise: ERR_COMPARE_DATA: /);
});

interface ComparisonPage {
  readonly html: string;
  readonly data: ComparisonPageData;
  readonly pixels: string;
}

async function readPage(path: string): Promise<ComparisonPage> {
  const html = await readFile(path, "utf8");
  return { html, data: JSON.parse(blockOf(html, DATA_ID)), pixels: blockOf(html, PIXELS_ID) };
}

/** The JSON of a result of 300 images, with its predictions beside it. */
async function resultOf(t: ExecutionContext, ...args: string[]): Promise<string> {
  const folder = await temporaryFolder(t);
  const [result, predictions] = [join(folder, "r.json"), join(folder, "p.ndjson")];
  const files = ["--output", result, "--predictions", predictions];
  const { status, stderr } = await runCli(["--threads", "0", "--limit", "300", ...files, ...args]);
  t.is(status, 0, stderr);
  return result;
}

test("--report writes one page of less than 2 MB beside the text, of networks and of results alike", async (t) => {
  const folder = await temporaryFolder(t);
  const [a, b] = [await resultOf(t), await resultOf(t, "--weights", "bundled-whiten")];
  const pages: ComparisonPage[] = [];
  for (const [n, sides] of [
    ["bundled", "bundled-whiten"],
    [a, "bundled-whiten"],
    [a, b],
  ].entries()) {
    const path = join(folder, `${n}.html`);
    const limit = n === 0 ? ["--limit", "300"] : [];
    const { status, stdout, stderr } = await runCli(["compare", ...sides, ...limit, "--report", path]);
    t.is(status, 0, stderr);
    t.regex(stdout, /\nMcNemar {2}: /);
    pages.push(await readPage(path));
  }
  const [networks, , results] = atLeast(pages, 3);
  t.true(networks.html.length < 2 * 10 ** 6);
  t.is(networks.data.images.length > 0, true);
  for (const { data, pixels } of pages) {
    t.deepEqual(data.images, networks.data.images);
    t.deepEqual(data.result, networks.data.result);
    t.is(pixels, networks.pixels);
  }
  t.deepEqual([results.data.a.source, results.data.run], ["result", null]);
  t.false(results.html.includes(dirname(a)));
});

test("--report of results whose data have changed is a fault beside the answer", async (t) => {
  const folder = await temporaryFolder(t);
  const files = ["digits-images-idx3-ubyte.gz", "digits-labels-idx1-ubyte.gz"];
  for (const name of files) await copyFile(new URL(name, FIXTURES), join(folder, name));
  const [images, labels] = atLeast(
    files.map((name) => join(folder, name)),
    2,
  );
  const result = await resultOf(t, "--dataset", images, "--labels", labels);
  // gzip's header byte 9 names the system that wrote it, and nothing more.
  const bytes = await readFile(labels);
  bytes[9]! ^= 1;
  await writeFile(labels, bytes);
  const report = join(folder, "c.html");
  const { status, stdout, stderr } = await runCli(["compare", result, result, "--report", report]);
  t.is(status, 3);
  t.regex(stderr, /batchwise: ERR_REPORT_DATA: .*expected the data set of .*r\.json/);
  t.regex(stdout, /^Data /);
  await t.throwsAsync(stat(report), { code: "ENOENT" });
});

const REFUSED: readonly [args: string[], status: number, code: ErrorCode][] = [
  [["bundled", "bundled", "--report", "c.pdf"], 2, "ERR_OPTION_VALUE"],
  [["bundled", "bundled", "--report", "no/such/folder/c.html"], 6, "ERR_OUTPUT_WRITE"],
  [["bundled"], 2, "ERR_USAGE"],
  [["bundled", "nowhere"], 3, "ERR_NETWORK_UNKNOWN"],
  [["bundled", "bundled", "--format", "xml"], 2, "ERR_OPTION_UNKNOWN"],
  [["bundled", "bundled", "--output", "a.csv"], 2, "ERR_OPTION_VALUE"],
  [["bundled", "bundled", "--output", "no/such/folder/a.json"], 6, "ERR_OUTPUT_WRITE"],
];

test("refuses what it cannot compare or write, in one line", async (t) => {
  for (const [args, status, code] of REFUSED) {
    const found = await runCli(["compare", "--quiet", ...args]);
    t.deepEqual([found.status, found.stdout], [status, ""], found.stderr);
    t.regex(found.stderr, new RegExp(`^batchwise: ${code}: .+\n$`));
  }
});

/** 2·Σ C(n, k) ÷ 2ⁿ over k up to the fewer, in integers and one division. */
function exactBinomial(onlyA: number, onlyB: number): number {
  const tosses = BigInt(onlyA + onlyB);
  let choose = 1n;
  let tail = 0n;
  for (let k = 0n; k <= BigInt(Math.min(onlyA, onlyB)); k++) {
    tail += choose;
    choose = (choose * (tosses - k)) / (k + 1n);
  }
  const scale = 10n ** 400n;
  return Math.min(1, Number(`${(2n * tail * scale) / 2n ** tosses}e-400`));
}

interface OnMnist {
  readonly onlyA: number;
  readonly onlyB: number;
  readonly p: number;
  readonly right: readonly number[];
}
let onMnist: Promise<OnMnist> | undefined;

/** The book's network and ours on MNIST, compared once. */
function comparedOnMnist(): Promise<OnMnist> {
  onMnist ??= compareOnMnist();
  return onMnist;
}

async function compareOnMnist(): Promise<OnMnist> {
  const folder = mnist ?? "";
  const weights = join(folder, "sample_weight.pkl");
  const args = ["compare", weights, "bundled", "--dataset", folder, "--format", "json", "--quiet"];
  const { result } = JSON.parse((await runCli(args)).stdout);
  const { onlyA, onlyB } = result.right;
  return { onlyA, onlyB, p: result.mcnemarPValue, right: [result.a.correct, result.b.correct] };
}

const withMnist = needs("mnist", mnist !== undefined);

withMnist("McNemar's p of the book's network and ours on MNIST is the exact binomial's", async (t) => {
  const { onlyA, onlyB, p, right } = await comparedOnMnist();
  const [rightA, rightB] = atLeast(right, 2);
  t.is(rightA, 9352);
  t.is(rightA - rightB, onlyA - onlyB);
  const expected = exactBinomial(onlyA, onlyB);
  t.true(Math.abs(p / expected - 1) < 1e-9, `${p}, ${expected}, of ${onlyA} and ${onlyB}`);
});

if (mnist !== undefined) {
  withScikit("SciPy's exact binomial test gives the same p of the book's network and ours", async (t) => {
    const { onlyA, onlyB, p } = await comparedOnMnist();
    const [expected] = atLeast(await askScikit<number>("mcnemar", [[onlyA, onlyB]]), 1);
    t.true(Math.abs(p / expected - 1) < 1e-9, `${p}, ${expected}`);
  });
}
