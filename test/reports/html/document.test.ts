/** The HTML documents: the report of an evaluation and of a comparison. */
import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import test from "ava";
import { renderReport } from "#src/reports/html/document.js";
import {
  type ComparisonPageData,
  DATA_ID,
  PIXELS_ID,
  type ReportedEvaluation,
} from "#src/reports/html/page-data.js";
import { ONE_BY_ONE } from "../../helpers/all-of.js";
import { madeUpComparison, pageOf } from "../../helpers/comparison-input.js";
import { blockOf, madeUpInput } from "../../helpers/report-input.js";

const EVIL = `</script><img src=x onerror="alert(1)">'<!--`;

test("is one document with one style sheet and one script, which its policy knows by their hashes", (t) => {
  const html = renderReport(madeUpInput());
  const policy = /Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1] ?? "";
  const script = html.slice(html.lastIndexOf("<script>") + "<script>".length, html.lastIndexOf("</script>"));
  const style = html.slice(html.indexOf("<style>") + "<style>".length, html.indexOf("</style>"));
  const hash = (content: string) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`;
  t.true(policy.startsWith("default-src 'none';"));
  t.true(policy.includes(`script-src ${hash(script)}`));
  t.true(policy.includes(`style-src ${hash(style)}`));
  t.is(html.match(/<script/g)?.length, 3);
  t.is(html.match(/<style/g)?.length, 1);
});

test("shows marks that turn the text as escapes", (t) => {
  const input = madeUpInput();
  const { evaluation } = input;
  const name = "seven\u202egnp.\u2066\u009b";
  const html = renderReport({
    ...input,
    evaluation: { ...evaluation, network: { ...evaluation.network, name } },
  });
  t.notRegex(html, /[\u202a-\u202e\u2066-\u2069\u0080-\u009f]/);
  t.true(blockOf(html, DATA_ID).includes(JSON.stringify("seven\\u{202e}gnp.\\u{2066}\\u{9b}").slice(1, -1)));
});

test("loads nothing: no link, no address, no import", (t) => {
  const html = renderReport(madeUpInput());
  t.notRegex(html, /<link|<img|<iframe|\ssrc=/);
  t.notRegex(html, /@import|url\(\s*["']?http/);
});

test("holds the figures and the pixels as they were given", (t) => {
  const input = madeUpInput();
  const html = renderReport(input);
  const data = JSON.parse(blockOf(html, DATA_ID));
  t.is(data.result.correct, input.evaluation.result.correct);
  t.deepEqual(data.matrix.counts, input.evaluation.result.confusionMatrix);
  t.is(data.images.length, input.chosen.images.length);
  const pixels = inflateSync(Buffer.from(blockOf(html, PIXELS_ID), "base64"));
  t.true(pixels.equals(Buffer.concat(input.chosen.images.map((image) => image.pixels))));
});

test("names that hold markup are text wherever they stand", (t) => {
  const html = renderReport(
    madeUpInput({ classes: 2, classNames: [EVIL, "b"], networkName: EVIL, datasetName: EVIL }),
  );
  t.false(html.includes(EVIL));
  t.false(html.includes("<img"));
  t.is(html.match(/<\/script/g)?.length, 3);
  t.deepEqual(JSON.parse(blockOf(html, DATA_ID)).classNames, [EVIL, "b"]);
  t.true(
    html.includes("<title>&#60;/script&#62;&#60;img src=x onerror=&#34;alert(1)&#34;&#62;&#39;&#60;!--"),
  );
});

test("of many classes the matrix shows those with the most mistakes, with the totals of all", (t) => {
  const input = madeUpInput({ classes: 200, total: 4000 });
  const { matrix } = JSON.parse(blockOf(renderReport(input), DATA_ID));
  t.is(matrix.classes.length, 30);
  t.is(matrix.counts.length, 30);
  t.true(matrix.rowTotals.every((total: number) => total === 20));
});

test("the latency histogram counts every batch once, from the fastest to the slowest", (t) => {
  const { latency } = JSON.parse(blockOf(renderReport(madeUpInput()), DATA_ID));
  const counts = latency.map((bin: { count: number }) => bin.count);
  t.is(
    counts.reduce((a: number, b: number) => a + b, 0),
    6,
  );
  t.is(counts[0], 4);
  t.is(counts[counts.length - 1], 2);
  t.is(latency[0].fromMs, 1.5);
});

test("tells how many batches there were, also where the evaluation kept a part of them", (t) => {
  const timelineOf = (edit: (evaluation: ReportedEvaluation) => ReportedEvaluation) => {
    const { evaluation, ...rest } = madeUpInput();
    return JSON.parse(blockOf(renderReport({ ...rest, evaluation: edit(evaluation) }), DATA_ID)).timeline;
  };
  const asItIs = timelineOf((evaluation) => evaluation);
  t.deepEqual([asItIs.total, asItIs.kept, asItIs.batches.length], [6, 6, 6]);
  const thinned = timelineOf(({ run, ...rest }) => ({ ...rest, run: { ...run, batches: 12 } }));
  t.deepEqual([thinned.total, thinned.kept], [12, 6]);
  const none = timelineOf((evaluation) => ({ ...evaluation, timeline: [] }));
  t.deepEqual([none.total, none.kept], [0, 0]);
  // Over Redis a timeline's batches are ranges.
  const hosts = [2, 4].map((jobs) => ({ host: `host-${jobs}`, threads: 1, jobs, images: 100 }));
  const ranges = timelineOf(({ run, ...rest }) => ({ ...rest, run: { ...run, batches: 60, hosts } }));
  t.deepEqual([ranges.total, ranges.kept], [6, 6]);
});

const MEGABYTES = 10 ** 6;

const dataOf = (html: string): ComparisonPageData => JSON.parse(blockOf(html, DATA_ID));

test("loads nothing, and lets nothing run but its own script", async (t) => {
  const html = await pageOf(await madeUpComparison());
  t.regex(html, /Content-Security-Policy" content="default-src 'none'; script-src 'sha256-[^ ]+'; style-src/);
  t.notRegex(html, /<link|<img|<iframe|\ssrc=/);
  t.is(html.match(/<script/g)?.length, 3);
});

test("holds every image that not both get right, and 24 of each class that both do", async (t) => {
  const made = await madeUpComparison();
  const { images, result, perClass } = dataOf(await pageOf(made));
  const { onlyARight, onlyBRight, right } = made.comparison.result;
  const indicesWhere = (isA: boolean, isB: boolean) =>
    images
      .filter(({ label, a, b }) => (a === label) === isA && (b === label) === isB)
      .map(({ index }) => index);
  t.deepEqual(indicesWhere(true, false), onlyARight);
  t.deepEqual(indicesWhere(false, true), onlyBRight);
  t.is(indicesWhere(false, false).length, right.neither);
  t.is(indicesWhere(true, true).length, 10 * 24);
  t.deepEqual(result.right, right);
  t.is(
    perClass.reduce((sum, { a }) => sum + a, 0),
    made.comparison.result.a.correct,
  );
  t.is(
    perClass.reduce((sum, { b }) => sum + b, 0),
    made.comparison.result.b.correct,
  );
});

test("the pixels are those of the data at the images' own places, beyond an offset too", async (t) => {
  const made = await madeUpComparison({ offset: 130, total: 400 });
  const html = await pageOf(made);
  const { images } = dataOf(html);
  const pixels = inflateSync(Buffer.from(blockOf(html, PIXELS_ID), "base64"));
  const all: Uint8Array[] = [];
  for await (const slab of made.dataset.slabs({ offset: 0, limit: made.dataset.facts.total }, ONE_BY_ONE))
    all.push(slab.pixels);
  const every = Buffer.concat(all);
  t.true(images.every(({ index }) => index >= 130));
  t.true(
    pixels.equals(Buffer.concat(images.map(({ index }) => every.subarray(64 * index, 64 * index + 64)))),
  );
});

test("of very many differences it holds 2,000, shared by the three groups, the small ones whole", async (t) => {
  const made = await madeUpComparison({ total: 12_000, guesses: [0.5, 0.02] });
  const html = await pageOf(made);
  const { images } = dataOf(html);
  const { right } = made.comparison.result;
  const kept = { onlyA: 0, onlyB: 0, neither: 0 };
  for (const { label, a, b } of images) {
    if (a === label && b !== label) kept.onlyA++;
    else if (a !== label) kept[b === label ? "onlyB" : "neither"]++;
  }
  t.true(right.onlyB > 2000);
  t.is(kept.onlyA, right.onlyA);
  t.is(kept.neither, right.neither);
  t.is(kept.onlyA + kept.onlyB + kept.neither, 2000);
  t.true(html.length < 2 * MEGABYTES);
});

test("images that one has not answered are left out", async (t) => {
  const made = await madeUpComparison({ total: 100 });
  const { images, limits } = dataOf(await pageOf(made));
  const unanswered = images[3]!.index;
  made.answers.predictions[1][unanswered] = 0xffff;
  const left = dataOf(await pageOf(made)).images;
  t.false(left.some(({ index }) => index === unanswered));
  t.is(limits.mistakes, 2000);
});

test("a comparison of nothing is a page too", async (t) => {
  const made = await madeUpComparison({ total: 10 });
  made.answers.predictions[0].fill(0xffff);
  const { images, perClass } = dataOf(await pageOf(made));
  t.deepEqual([images, perClass], [[], []]);
});

test("names that hold markup are text wherever they stand, and no path is told", async (t) => {
  const html = await pageOf(
    await madeUpComparison({ classes: 2, classNames: [EVIL, "b"], names: [EVIL, "b"], datasetName: EVIL }),
  );
  t.false(html.includes(EVIL));
  t.false(html.includes("<img"));
  t.is(html.match(/<\/script/g)?.length, 3);
  t.deepEqual(dataOf(html).classNames, [EVIL, "b"]);
  t.false(html.includes("/nowhere"));
});
