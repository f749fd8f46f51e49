/** The lines of the chart: each engine and batch size, with a colour and a mark of its own. */
import { symbol, symbolsFill } from "d3-shape";
import type { MeasuredConfiguration } from "#src/base/contracts/bench.js";
import { grouped } from "#src/base/errors/define.js";

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
