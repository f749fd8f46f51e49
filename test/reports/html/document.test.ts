import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import test from "ava";
import { renderReport } from "#src/reports/html/document.js";
import type { ReportedEvaluation } from "#src/reports/html/page-data.js";
import { DATA_ID, PIXELS_ID } from "#src/reports/html/page-data.js";
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
  t.true(html.includes("<title>&#60;/script&#62;&#60;img src=x onerror=&#34;alert(1)&#34;&#62;&#39;&#60;!--"));
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
