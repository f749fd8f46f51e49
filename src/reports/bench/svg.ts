/** The chart of a benchmark: images/s over threads, a line for each engine and batch size. Scales and paths are d3's. */
import { line } from "d3-shape";
import type { Benchmark, MeasuredConfiguration } from "#src/base/contracts/bench.js";
import { grouped } from "#src/base/errors/define.js";
import { printable } from "#src/base/printable.js";
import { type Frame, frameOf, LEFT, RIGHT, rateOf, TOP } from "./chart-frame.js";
import { type ChartSeries, chartSeries } from "./series.js";
import { type Attributes, dashed, element, escaped, STYLE, solid, text } from "./svg-elements.js";

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
