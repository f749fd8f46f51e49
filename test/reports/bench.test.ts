import test, { type ExecutionContext } from "ava";
import type { Benchmark, MeasuredConfiguration } from "#src/base/contracts/bench.js";
import { atLeast } from "#src/base/errors.js";
import { bench } from "#src/evaluate/bench/bench.js";
import { benchFormatOf, renderBench } from "#src/reports/bench/bench.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";
import { allWithin, parseXml, type XmlElement } from "../helpers/xml.js";

const { benchmark: MEASURED } = await bench({
  dataset: randomDataset(100),
  weights: randomNetwork([64, 10]),
  threads: "0",
  batchSize: "100",
  repeat: 2,
});
const [TEMPLATE] = atLeast(MEASURED.configurations, 1);

/** `imagesPerSecond` at one thread, and half of what more threads would add. */
function scaling(
  engine: MeasuredConfiguration["engine"],
  batchSize: number,
  threads: readonly number[],
  single: number,
) {
  return threads.map((count): MeasuredConfiguration => {
    const speedUp = (1 + count) / 2;
    const passMs = { median: 100 / speedUp, fastest: 95 / speedUp, slowest: 110 / speedUp, samples: [] };
    const imagesPerSecond = Math.round(single * speedUp);
    return { ...TEMPLATE, engine, batchSize, threads: count, imagesPerSecond, passMs, speedUp };
  });
}

const SWEEP: Benchmark = {
  ...MEASURED,
  configurations: [
    ...scaling("ml-matrix", 1, [1, 2, 4], 40_000),
    ...scaling("ml-matrix", 1000, [1, 2, 4], 60_000),
    ...scaling("simd", 1, [1, 2, 4], 500_000),
    ...scaling("simd", 1000, [1, 2, 4], 800_000),
  ],
};

const titled = (svg: XmlElement) => allWithin(svg).map(({ text }) => text);

test("JSON is the answer itself", async (t) => {
  t.deepEqual(JSON.parse(await renderBench("json", SWEEP)), JSON.parse(JSON.stringify(SWEEP)));
});

test("CSV has a row for each configuration, and an empty cell where there is no number", async (t) => {
  const [header, ...rows] = atLeast((await renderBench("csv", SWEEP)).trim().split("\n"), 1);
  const names = header.split(",");
  t.is(new Set(names).size, names.length);
  t.is(rows.length, 12);
  for (const [n, row] of rows.entries()) {
    const cells = row.split(",");
    t.is(cells.length, names.length);
    const measured = SWEEP.configurations[n]!;
    const cellOf = (name: string) => cells[names.indexOf(name)];
    t.is(cellOf("scenario"), "offline");
    t.is(cellOf("engine"), measured.engine);
    t.is(Number(cellOf("threads")), measured.threads);
    t.is(Number(cellOf("imagesPerSecond")), measured.imagesPerSecond);
    t.is(Number(cellOf("passSlowestMs")), measured.passMs.slowest);
    t.is(Number(cellOf("batchP99Ms")), measured.batchLatencyMs.p99);
    t.is(cellOf("queryP90Ms"), "");
  }
});

test("text has a row for each configuration, its columns below each other, and no bar longer than the fastest's", async (t) => {
  const text = await renderBench("text", SWEEP);
  const [head, table] = atLeast(text.split("\n\n"), 2);
  t.regex(head, /^Checked {2}: every pass predicts the same as reference$/m);
  t.regex(head, /^Memory {3}: \d+ MiB, peak of the whole process \(maxRSS\)$/m);
  const [titles, ...rows] = atLeast(table.trimEnd().split("\n"), 1);
  t.is(rows.length, 12);
  const end = titles.indexOf("images/s") + "images/s".length;
  for (const [n, row] of rows.entries()) {
    const shown = row.slice(0, end).trim().split(/\s+/);
    t.is(shown[shown.length - 1], SWEEP.configurations[n]?.imagesPerSecond.toLocaleString("en-US"));
  }
  const cells = rows.map((row) => row.match(/█/g)?.length ?? 0);
  t.is(Math.max(...cells), 12);
  t.is(cells[11], 12);
});

async function svgOf(t: ExecutionContext, benchmark: Benchmark): Promise<XmlElement> {
  const source = await renderBench("svg", benchmark);
  t.true(Buffer.byteLength(source) < 30_000);
  t.notRegex(source, /NaN|Infinity|undefined/);
  const svg = parseXml(source);
  t.is(svg.name, "svg");
  t.is(svg.attributes.xmlns, "http://www.w3.org/2000/svg");
  return svg;
}

test("SVG names each series, and where it lies is where its numbers are", async (t) => {
  const svg = await svgOf(t, SWEEP);
  const texts = titled(svg);
  for (const name of [
    "ml-matrix, batches of 1",
    "ml-matrix, batches of 1,000",
    "simd, batches of 1",
    "simd, batches of 1,000",
    "worker threads",
    "images/s (logarithmic)",
    "5M",
    "50k",
  ]) {
    t.true(texts.includes(name), name);
  }
  const series = allWithin(svg).filter(({ attributes }) => "aria-label" in attributes);
  t.is(series.length, 4);
  const marks = series.flatMap(({ children }) => children.filter(({ attributes }) => attributes.transform));
  const placeOf = ({ attributes }: XmlElement) =>
    /^translate\((\S+) (\S+)\)$/.exec(attributes.transform ?? "")?.slice(1);
  const order = marks
    .map((mark, n) => ({ y: Number(placeOf(mark)?.[1]), rate: SWEEP.configurations[n]!.imagesPerSecond }))
    .sort((a, b) => a.y - b.y);
  t.deepEqual(
    order.map(({ rate }) => rate),
    SWEEP.configurations.map(({ imagesPerSecond }) => imagesPerSecond).sort((a, b) => b - a),
  );
  t.is(new Set(marks.map((mark) => placeOf(mark)?.[0])).size, 3);
  t.is(new Set(series.map(({ attributes }) => attributes.stroke)).size, 4);
});

test("SVG has an axis from zero where the lines are alike", async (t) => {
  const configurations = scaling("simd", 100, [1, 2, 4, 8, 16, 32, 64], 800_000);
  const svg = await svgOf(t, { ...SWEEP, configurations });
  const texts = titled(svg);
  t.true(texts.includes("images/s"));
  t.true(texts.includes("0"));
  t.true(texts.includes("64"));
});

test("SVG serves light and dark, and is quiet about what names may hold", async (t) => {
  const dataset = { ...SWEEP.dataset, name: 'a<b>&"c"\u0007' };
  const svg = await svgOf(t, { ...SWEEP, dataset });
  const [style] = atLeast(
    allWithin(svg).filter(({ name }) => name === "style"),
    1,
  );
  t.regex(style.text, /prefers-color-scheme:dark/);
  t.true(titled(svg).some((text) => text.startsWith('a<b>&"c"\\u{7}: 100 images')));
});

test("SVG of one point, of the main thread alone, and of nothing are charts too", async (t) => {
  for (const configurations of [
    scaling("simd", 100, [2], 8e5),
    scaling("simd", 100, [0], 8e5),
    scaling("simd", 100, [0, 1], 8e5),
    [],
  ]) {
    const svg = await svgOf(t, { ...SWEEP, configurations });
    const marks = allWithin(svg).filter(({ attributes }) => "aria-label" in attributes);
    t.is(marks.length, Math.min(1, configurations.length));
  }
});

test("knows formats by ending, and names those it knows", (t) => {
  t.is(benchFormatOf("a/b.SVG"), "svg");
  t.is(benchFormatOf("b.csv"), "csv");
  const error = t.throws(() => benchFormatOf("b.png"));
  t.regex(error?.message ?? "", /\.txt, \.json, \.csv or \.svg/);
});

test("says of a partial benchmark that it is one", async (t) => {
  const partial = { ...SWEEP, complete: false, configurations: [] };
  t.regex(await renderBench("text", partial), /\nPartial {2}: interrupted.*\n$/);
  t.is((await renderBench("csv", partial)).split("\n").length, 2);
  t.true(titled(await svgOf(t, partial)).some((text) => text.endsWith("· interrupted")));
});
