/** Resident memory over time, a line for each part of the soak, one after the other. Scales and paths are d3's. */
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { element, STYLE, solid, text } from "#src/reports/markup.js";
import type { Sample } from "./flatness.js";
import type { PartReport } from "./supervise.js";

const [WIDTH, HEIGHT] = [900, 400];
const [LEFT, RIGHT, TOP, BOTTOM] = [72, 876, 108, 344];
const TICKS = 6;
/** As the chart of `batchwise bench` has them. */
const COLORS = ["#0072b2", "#d55e00", "#009170", "#c0649a"];
const TITLE = "Resident memory of a soak, in MB over minutes";
const LEGEND_WIDTH = 200;

export function memoryPlot(reports: readonly PartReport[]): string {
  const minutes = (elapsedMs: number) => elapsedMs / 60_000;
  const starts = reports.map((_, n) =>
    reports.slice(0, n).reduce((sum, { elapsedMs }) => sum + elapsedMs, 0),
  );
  const total = reports.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
  const largest = Math.max(1, ...reports.flatMap(({ samples }) => samples.map(({ rssBytes }) => rssBytes)));
  const x = scaleLinear([0, minutes(Math.max(1, total))], [LEFT, RIGHT]);
  const y = scaleLinear([0, largest / 1e6], [BOTTOM, TOP]).nice(TICKS);
  const drawn = reports.map(({ name, samples }, n) => {
    const path = line<Sample>(
      ({ elapsedMs }) => x(minutes(starts[n]! + elapsedMs)),
      ({ rssBytes }) => y(rssBytes / 1e6),
    ).digits(1);
    return element("g", { "aria-label": name, stroke: COLORS[n % COLORS.length]! }, [
      solid(path(samples) ?? ""),
    ]);
  });
  const parts = [
    element("title", {}, [TITLE]),
    element("style", {}, [STYLE]),
    element("rect", { class: "ground", width: WIDTH, height: HEIGHT }),
    text(TITLE, { x: LEFT, y: 32, class: "title" }),
    text("each part is a process of its own", {
      x: LEFT,
      y: 55,
      class: "soft",
    }),
    ...reports.map(({ name }, n) => legend(name, n)),
    ...y
      .ticks(TICKS)
      .flatMap((tick) => [
        element("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y(tick), y2: y(tick) }),
        text(String(tick), { x: LEFT - 10, y: y(tick) + 4, "text-anchor": "end" }),
      ]),
    ...x
      .ticks(TICKS)
      .map((tick) => text(String(tick), { x: x(tick), y: BOTTOM + 21, "text-anchor": "middle" })),
    element("line", { class: "axis", x1: LEFT, x2: RIGHT, y1: BOTTOM, y2: BOTTOM }),
    ...drawn,
  ];
  const root = { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" };
  return `${element("svg", { ...root, width: WIDTH, height: HEIGHT }, parts)}\n`;
}

function legend(name: string, n: number): string {
  const attributes = {
    transform: `translate(${LEFT + n * LEGEND_WIDTH} 82)`,
    stroke: COLORS[n % COLORS.length]!,
  };
  return element("g", attributes, [solid("M0 0h24"), text(name, { x: 32, y: 4 })]);
}
