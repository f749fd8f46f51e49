/** The chart of a benchmark: images/s over threads, a line for each engine and batch size. Scales and paths are d3's. */

import { scaleLinear, scaleLog } from "d3-scale";
import { line, symbol, symbolsFill } from "d3-shape";
import type { Benchmark, MeasuredConfiguration } from "#src/base/contracts/bench.js";
import { grouped } from "#src/base/errors/define.js";
import { printable } from "#src/base/text.js";

// The lines of the chart: each engine and batch size, with a colour and a mark of its own.

/** Eight hues that stand out, some 3 : 1 or more, from the light ground and from the dark one. */
const COLORS = ["#0072b2", "#d55e00", "#009170", "#c0649a", "#7b61c9", "#9a7400", "#5b7f95", "#c8394b"];
const MARK_AREA = 64;

export interface ChartSeries {
  /** Of the mark. */
  readonly id: string;
  readonly name: string;
  readonly color: string;
  /** The mark's path, around the origin. */
  readonly shape: string;
  /** At least one, by ascending threads. */
  readonly points: readonly MeasuredConfiguration[];
}

/** Eight colours and seven marks have no common divisor: 56 lines before two look alike. */
export function chartSeries(configurations: readonly MeasuredConfiguration[]): ChartSeries[] {
  const groups = new Map<string, MeasuredConfiguration[]>();
  for (const measured of configurations) {
    const name = `${measured.engine}, batches of ${grouped(measured.batchSize)}`;
    groups.set(name, [...(groups.get(name) ?? []), measured]);
  }
  return [...groups].map(([name, points], n) => ({
    id: `mark${n}`,
    name,
    points,
    color: COLORS[n % COLORS.length],
    shape: symbol(symbolsFill[n % symbolsFill.length], MARK_AREA).digits(1)() ?? "",
  }));
}

/** SVG as text: elements, escaped, and the one style sheet that serves light and dark. */

/** The dark half follows the reader's system, also where the file stands in an <img>. */
export const STYLE = [
  "text{font:13px system-ui,sans-serif;fill:#1f2328;stroke:none}",
  ".title{font-size:17px;font-weight:600}",
  ".soft{fill:#59636e}.ground{fill:#fff}.grid{stroke:#d1d9e0}.axis{stroke:#59636e}",
  "@media(prefers-color-scheme:dark){",
  "text{fill:#f0f6fc}.soft{fill:#9198a1}.ground{fill:#151b23}.grid{stroke:#3d444d}.axis{stroke:#9198a1}",
  "}",
].join("");

export type Attributes = Readonly<Record<string, string | number>>;

/** Children are written as they are: other elements, or text that went through `escaped`. */
export function element(name: string, attributes: Attributes, children: readonly string[] = []): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attributeText(value)}"`);
  const opening = `${name}${written.join("")}`;
  return children.length === 0 ? `<${opening}/>` : `<${opening}>${children.join("")}</${name}>`;
}

/** A line of text at its place. */
export function text(content: string, attributes: Attributes): string {
  return element("text", attributes, [escaped(content)]);
}

export function solid(d: string): string {
  return element("path", { d, fill: "none", "stroke-width": 2 });
}

export function dashed(d: string, attributes: Attributes = {}): string {
  return element("path", { d, fill: "none", "stroke-dasharray": "2 4", ...attributes });
}

/** Numbers to a tenth of a pixel. */
function attributeText(value: string | number): string {
  return typeof value === "number" ? String(Math.round(value * 10) / 10) : escaped(value);
}

export function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

// Where things lie in the chart: its two scales and their ticks, from what was measured.

/** The plot's edges. */
export const LEFT = 84;
export const TOP = 76;
export const RIGHT = 640;
/** Of the first and last thread counts from the plot's edges. */
const INSET = 28;
const LABEL_WIDTH = 28;
const Y_TICKS = 6;
/** Where one line's best is so many times another's, equal steps would press the lower one flat onto the axis. */
const LOG_RATIO = 8;

export interface Frame {
  readonly bottom: number;
  readonly isLog: boolean;
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
  x(threads: number): number;
  y(imagesPerSecond: number): number;
  yLabel(imagesPerSecond: number): string;
}

export function frameOf(series: readonly ChartSeries[], bottom: number): Frame {
  const points = series.flatMap((one) => one.points);
  const threads = [...new Set(points.map((point) => point.threads))].sort((a, b) => a - b);
  const [fewest = 1] = threads;
  const most = threads[threads.length - 1] ?? 1;
  const x = scaleLinear(fewest < most ? [fewest, most] : [most - 1, most + 1], [LEFT + INSET, RIGHT - INSET]);
  const fastest = Math.max(1, ...points.map((point) => rateOf(point, "fastest")));
  const slowest = Math.min(fastest, ...points.map((point) => rateOf(point, "slowest")));
  const isLog = Math.min(...series.map(bestOf)) < fastest / LOG_RATIO;
  const range = [bottom, TOP];
  const { y, yTicks, format } = isLog ? logAxis(slowest, fastest, range) : linearAxis(fastest, range);
  return {
    bottom,
    isLog,
    x,
    y,
    xTicks: apart(threads, x),
    yTicks,
    yLabel: (tick) => (tick === 0 ? "0" : format(tick)),
  };
}

function linearAxis(fastest: number, range: readonly number[]) {
  const y = scaleLinear([0, fastest], range).nice(Y_TICKS);
  return { y, yTicks: y.ticks(Y_TICKS), format: y.tickFormat(Y_TICKS, "~s") };
}

/** From the last of 1, 2, 5, 10, 20 and so on below the slowest pass to the first above the fastest. */
function logAxis(slowest: number, fastest: number, range: readonly number[]) {
  const powers = scaleLog([slowest, fastest], range).nice();
  const round = powers.ticks().filter((tick) => /^[125]/.test(String(tick)));
  const low = round.findLast((tick) => tick <= slowest) ?? slowest;
  const high = round.find((tick) => tick >= fastest) ?? fastest;
  return {
    y: scaleLog([low, high], range),
    yTicks: round.filter((tick) => tick >= low && tick <= high),
    // Of all ticks: with their number given, d3 would leave out labels by a rule of its own.
    format: powers.tickFormat(Number.POSITIVE_INFINITY, "~s"),
  };
}

function bestOf({ points }: ChartSeries): number {
  return Math.max(...points.map((point) => point.imagesPerSecond));
}

/** Of the thread counts those whose labels do not touch the label before. */
function apart(threads: readonly number[], x: (threads: number) => number): number[] {
  const kept: number[] = [];
  for (const count of threads) {
    const last = kept[kept.length - 1];
    if (last === undefined || x(count) - x(last) >= LABEL_WIDTH) kept.push(count);
  }
  return kept;
}

/** Images/s of a pass that took as long as this one. */
export function rateOf(
  { imagesPerSecond, passMs }: MeasuredConfiguration,
  pass: "fastest" | "slowest",
): number {
  return (imagesPerSecond * passMs.median) / passMs[pass];
}

const WIDTH = 900;
const BELOW = 56;
const PLOT_HEIGHT = 310;
const LEGEND_LINE = 24;
const LEGEND_LEFT = RIGHT + 28;
/** Between axis and labels. */
const GAP = 10;
/** Points of a line that only a logarithmic axis bends. */
const IDEAL_POINTS = 16;

export function renderBenchSvg(benchmark: Benchmark): string {
  const series = chartSeries(benchmark.configurations);
  const bottom = TOP + Math.max(PLOT_HEIGHT, (series.length + 2) * LEGEND_LINE);
  const height = bottom + BELOW;
  const frame = frameOf(series, bottom);
  const description = descriptionOf(benchmark);
  const parts = [
    element("title", {}, ["Images per second over threads"]),
    element("desc", {}, [escaped(description)]),
    element("style", {}, [STYLE]),
    element("defs", {}, [
      element("clipPath", { id: "plot" }, [
        element("rect", { x: LEFT, y: TOP, width: RIGHT - LEFT, height: bottom - TOP }),
      ]),
      ...series.map(({ id, shape }) => element("path", { id, d: shape })),
    ]),
    element("rect", { class: "ground", width: WIDTH, height }),
    text("Images per second over threads", { x: LEFT, y: 32, class: "title" }),
    text(description, { x: LEFT, y: 55, class: "soft" }),
    ...axes(frame),
    ...series.map((one) => drawn(one, frame)),
    ...legend(series),
  ];
  const root = { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${WIDTH} ${height}`, role: "img" };
  return `${element("svg", { ...root, width: WIDTH, height }, parts)}\n`;
}

/** `bundled: 10,000 images · 784-50-100-10 · AMD EPYC · Node v20.20.2` */
function descriptionOf({ dataset, network, machine, complete }: Benchmark): string {
  const facts = [
    `${printable(dataset.name)}: ${grouped(dataset.images)} images`,
    network.layers.join("-"),
    printable(machine.cpu),
    `Node ${machine.node}`,
    ...(complete ? [] : ["interrupted"]),
  ];
  return facts.join(" · ");
}

function axes({ bottom, isLog, xTicks, yTicks, x, y, yLabel }: Frame): string[] {
  const middle = (TOP + bottom) / 2;
  return [
    ...yTicks.flatMap((tick) => [
      element("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y(tick), y2: y(tick) }),
      text(yLabel(tick), { x: LEFT - GAP, y: y(tick) + 4, "text-anchor": "end" }),
    ]),
    ...xTicks.flatMap((tick) => [
      element("line", { class: "axis", x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 5 }),
      text(tick === 0 ? "main" : String(tick), { x: x(tick), y: bottom + 21, "text-anchor": "middle" }),
    ]),
    element("line", { class: "axis", x1: LEFT, x2: RIGHT, y1: bottom, y2: bottom }),
    text("worker threads", { x: (LEFT + RIGHT) / 2, y: bottom + 43, "text-anchor": "middle", class: "soft" }),
    text(isLog ? "images/s (logarithmic)" : "images/s", {
      "text-anchor": "middle",
      class: "soft",
      transform: `translate(22 ${middle}) rotate(-90)`,
    }),
  ];
}

/**
 * A line through the medians, but for the main thread's, which is no point of the scaling; at each a mark, and a bar from
 * the slowest pass to the fastest.
 */
function drawn({ id, name, color, points }: ChartSeries, { x, y }: Frame): string {
  const path = line<MeasuredConfiguration>(
    ({ threads }) => x(threads),
    ({ imagesPerSecond }) => y(imagesPerSecond),
  ).digits(1);
  return element("g", { "aria-label": name, stroke: color, fill: color }, [
    ...ideal(points, { x, y }),
    solid(path(points.filter(({ threads }) => threads > 0)) ?? ""),
    ...points.flatMap((point) => [
      element("line", {
        x1: x(point.threads),
        x2: x(point.threads),
        y1: y(rateOf(point, "slowest")),
        y2: y(rateOf(point, "fastest")),
      }),
      element("use", { href: `#${id}`, x: x(point.threads), y: y(point.imagesPerSecond) }),
    ]),
  ]);
}

/** Throughput in proportion to threads, from one thread's on, where there is more than one to compare. */
function ideal(points: ChartSeries["points"], { x, y }: Pick<Frame, "x" | "y">): string[] {
  const single = points.find(({ threads }) => threads === 1);
  const most = points[points.length - 1].threads;
  if (single === undefined || most === 1) return [];
  const path = line<number>(x, (threads) => y(threads * single.imagesPerSecond)).digits(1);
  const steps = Array.from({ length: IDEAL_POINTS }, (_, n) => 1 + ((most - 1) * n) / (IDEAL_POINTS - 1));
  return [dashed(path(steps) ?? "", { "clip-path": "url(#plot)" })];
}

/** In the order in which the lines end, from the top; then what dots and bars mean. */
function legend(series: readonly ChartSeries[]): string[] {
  const endOf = ({ points }: ChartSeries) => points[points.length - 1].imagesPerSecond;
  const entries = series.toSorted((a, b) => endOf(b) - endOf(a));
  let y = TOP + 12;
  const row = (name: string, attributes: Attributes, mark: readonly string[]) => {
    const translated = { transform: `translate(${LEGEND_LEFT} ${y})` };
    y += LEGEND_LINE;
    return element("g", translated, [
      element("g", attributes, mark),
      text(name, { x: 38, y: 4, ...(attributes.class !== undefined && { class: "soft" }) }),
    ]);
  };
  const rows = entries.map(({ id, name, color }) =>
    row(name, { stroke: color, fill: color }, [solid("M0 0h28"), element("use", { href: `#${id}`, x: 14 })]),
  );
  rows.push(row("speed-up = threads", { class: "axis" }, [dashed("M0 0h28")]));
  rows.push(row("slowest to fastest pass", { class: "axis" }, [solid("M14 -8v16")]));
  return rows;
}
