/** Chart of a benchmark as SVG: images per second over threads, one line per engine and batch size. */
import { scaleLinear, scaleLog } from "d3-scale";
import { line, symbol, symbolsFill } from "d3-shape";
import type { Benchmark, MeasuredConfiguration } from "#src/base/contracts/bench.js";
import { grouped } from "#src/base/errors/define.js";
import { printable } from "#src/base/text.js";
import {
  type Attributes,
  dashed,
  element,
  escaped,
  STYLE,
  solid,
  text,
  translated,
} from "#src/reports/markup.js";

const TITLE = "Images per second over threads";
/** Eight hues with a contrast of at least 3 : 1 against the light and the dark background. */
const COLORS = ["#0072b2", "#d55e00", "#009170", "#c0649a", "#7b61c9", "#9a7400", "#5b7f95", "#c8394b"];
const MARK_AREA = 64;

const WIDTH = 900;
/** Edges of the plot. */
const LEFT = 84;
const TOP = 76;
const RIGHT = 640;
const PLOT_HEIGHT = 310;
const BELOW = 56;
const LEGEND_LEFT = RIGHT + 28;
const LEGEND_LINE = 24;
/** Distance of the first and last thread counts from the plot's edges. */
const INSET = 28;
/** Least distance between labels of the thread axis. */
const LABEL_WIDTH = 28;
const Y_TICKS = 6;
/** The axis is logarithmic if the best of one line is this many times another's. A linear axis would flatten the lower line. */
const LOG_RATIO = 8;
/** Points of the dashed line, which is a curve on a logarithmic axis. */
const IDEAL_POINTS = 32;

/** One line of the chart: an engine and a batch size. */
interface Series {
  readonly name: string;
  readonly color: string;
  /** Path of the mark, around the origin. */
  readonly mark: string;
  /** At least one, by ascending threads. */
  readonly points: readonly MeasuredConfiguration[];
}

type Frame = ReturnType<typeof frameOf>;

export function renderBenchSvg(benchmark: Benchmark): string {
  const series = seriesOf(benchmark.configurations);
  const bottom = TOP + Math.max(PLOT_HEIGHT, (series.length + 2) * LEGEND_LINE);
  const height = bottom + BELOW;
  const frame = frameOf(series, bottom);
  const description = descriptionOf(benchmark);
  const parts = [
    element("title", {}, [TITLE]),
    element("desc", {}, [escaped(description)]),
    element("style", {}, [STYLE]),
    element("rect", { class: "ground", width: WIDTH, height }),
    text(TITLE, { x: LEFT, y: 32, class: "title" }),
    text(description, { x: LEFT, y: 55, class: "soft" }),
    ...axes(frame),
    ...series.map((one) => drawn(one, frame)),
    ...legend(series),
  ];
  const root = { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${WIDTH} ${height}`, role: "img" };
  return `${element("svg", { ...root, width: WIDTH, height }, parts)}\n`;
}

/** Eight colours and seven marks have no common divisor: 56 lines differ in colour or mark. */
function seriesOf(configurations: readonly MeasuredConfiguration[]): Series[] {
  const groups = new Map<string, MeasuredConfiguration[]>();
  for (const one of configurations) {
    const name = `${one.engine}, batches of ${grouped(one.batchSize)}`;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups].map(([name, points], n) => ({
    name,
    points,
    color: COLORS[n % COLORS.length] ?? "",
    mark: symbol(symbolsFill[n % symbolsFill.length], MARK_AREA).digits(1)() ?? "",
  }));
}

/** `bundled: 10,000 images · 784-50-100-10 · AMD EPYC · Node v20.20.2` */
function descriptionOf({ dataset, network, machine, complete }: Benchmark): string {
  const images = `${printable(dataset.name)}: ${grouped(dataset.images)} images`;
  const facts = [images, network.layers.join("-"), printable(machine.cpu), `Node ${machine.node}`];
  return [...facts, ...(complete ? [] : ["interrupted"])].join(" · ");
}

/** Places the plot: scales from measured values to pixels, and their ticks. */
function frameOf(series: readonly Series[], bottom: number) {
  const points = series.flatMap((one) => one.points);
  const threads = [...new Set(points.map((point) => point.threads))].sort((a, b) => a - b);
  const [fewest, most] = [threads[0] ?? 1, threads.at(-1) ?? 1];
  const x = scaleLinear(fewest < most ? [fewest, most] : [most - 1, most + 1], [LEFT + INSET, RIGHT - INSET]);
  const fastest = Math.max(1, ...points.map((point) => rateOf(point, "fastest")));
  const slowest = Math.min(fastest, ...points.map((point) => rateOf(point, "slowest")));
  const bests = series.map((one) => Math.max(...one.points.map((point) => point.imagesPerSecond)));
  const isLog = Math.min(...bests) < fastest / LOG_RATIO;
  const y = (
    isLog ? scaleLog([slowest, fastest], [bottom, TOP]) : scaleLinear([0, fastest], [bottom, TOP])
  ).nice();
  const yTicks = y.ticks(isLog ? undefined : Y_TICKS).filter((tick) => !isLog || /^[125]/.test(String(tick)));
  // Given the number of ticks, d3 would leave out labels of a logarithmic axis.
  const format = y.tickFormat(isLog ? Number.POSITIVE_INFINITY : Y_TICKS, "~s");
  const yLabel = (tick: number) => (tick === 0 ? "0" : format(tick));
  return { bottom, isLog, x, y, xTicks: apart(threads, x), yTicks, yLabel };
}

/** Images per second in a pass of this duration. */
function rateOf({ imagesPerSecond, passMs }: MeasuredConfiguration, pass: "fastest" | "slowest"): number {
  return (imagesPerSecond * passMs.median) / passMs[pass];
}

/** Returns the thread counts whose labels do not touch the label before. */
function apart(threads: readonly number[], x: (threads: number) => number): number[] {
  const kept: number[] = [];
  for (const count of threads) {
    const last = kept.at(-1);
    if (last === undefined || x(count) - x(last) >= LABEL_WIDTH) kept.push(count);
  }
  return kept;
}

function axes({ bottom, isLog, xTicks, yTicks, x, y, yLabel }: Frame): string[] {
  const soft = { class: "soft", "text-anchor": "middle" };
  return [
    ...yTicks.flatMap((tick) => [
      element("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y(tick), y2: y(tick) }),
      text(yLabel(tick), { x: LEFT - 10, y: y(tick) + 4, "text-anchor": "end" }),
    ]),
    ...xTicks.flatMap((tick) => [
      element("line", { class: "axis", x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 5 }),
      text(tick === 0 ? "main" : `${tick}`, { x: x(tick), y: bottom + 21, "text-anchor": "middle" }),
    ]),
    element("line", { class: "axis", x1: LEFT, x2: RIGHT, y1: bottom, y2: bottom }),
    text("worker threads", { ...soft, x: (LEFT + RIGHT) / 2, y: bottom + 43 }),
    text(isLog ? "images/s (logarithmic)" : "images/s", {
      ...soft,
      transform: `translate(22 ${(TOP + bottom) / 2}) rotate(-90)`,
    }),
  ];
}

/** A line through the medians of 1 thread and more; per point a mark, and a bar from the slowest to the fastest pass. */
function drawn({ name, color, mark, points }: Series, frame: Frame): string {
  const { y } = frame;
  const x = ({ threads }: MeasuredConfiguration) => frame.x(threads);
  const path = line(x, (point: MeasuredConfiguration) => y(point.imagesPerSecond)).digits(1);
  return element("g", { "aria-label": name, stroke: color, fill: color }, [
    ...ideal(points, frame),
    solid(path(points.filter(({ threads }) => threads > 0)) ?? ""),
    ...points.flatMap((point) => [
      element("line", {
        x1: x(point),
        x2: x(point),
        y1: y(rateOf(point, "slowest")),
        y2: y(rateOf(point, "fastest")),
      }),
      element("path", { d: mark, transform: translated(x(point), y(point.imagesPerSecond)) }),
    ]),
  ]);
}

/** Dashed line of throughput proportional to threads, within the plot. Empty unless one thread and more were measured. */
function ideal(points: Series["points"], { x, y }: Frame): string[] {
  const single = points.find(({ threads }) => threads === 1);
  const most = points.at(-1)?.threads ?? 1;
  if (single === undefined || most === 1) return [];
  const steps = Array.from({ length: IDEAL_POINTS }, (_, n) => 1 + ((most - 1) * n) / (IDEAL_POINTS - 1));
  const heightOf = (threads: number) => y(threads * single.imagesPerSecond);
  return [dashed(line<number>(x, heightOf).digits(1)(steps.filter((step) => heightOf(step) >= TOP)) ?? "")];
}

/** The lines in the order of their last points, from the top; then the meaning of the dashed line and of the bars. */
function legend(series: readonly Series[]): string[] {
  const endOf = ({ points }: Series) => points.at(-1)?.imagesPerSecond ?? 0;
  const row = (attributes: Attributes, sample: string, name: string, n: number) => {
    const transform = translated(LEGEND_LEFT, TOP + 12 + n * LEGEND_LINE);
    return element("g", { transform, ...attributes }, [sample, text(name, { x: 38, y: 4 })]);
  };
  const lines = series
    .toSorted((a, b) => endOf(b) - endOf(a))
    .map(({ name, color, mark }, n) => {
      const sample = solid("M0 0h28") + element("path", { d: mark, transform: translated(14, 0) });
      return row({ stroke: color, fill: color }, sample, name, n);
    });
  const axis = { class: "axis" };
  const speedUp = row(axis, dashed("M0 0h28"), "speed-up = threads", lines.length);
  return [...lines, speedUp, row(axis, solid("M14 -8v16"), "slowest to fastest pass", lines.length + 1)];
}
