import { inflateSync } from "node:zlib";
import test from "ava";
import type { ComparisonPageData } from "#src/reports/html/page-data.js";
import { DATA_ID, PIXELS_ID } from "#src/reports/html/page-data.js";
import { madeUpComparison, pageOf } from "../../../helpers/comparison-input.js";
import { blockOf } from "../../../helpers/report-input.js";

const EVIL = `</script><img src=x onerror="alert(1)">'<!--`;
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
  for await (const slab of made.dataset.slabs({ offset: 0, limit: made.dataset.total }, 1))
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
  const unanswered = images[3].index;
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
