/** Where things lie in the chart: its two scales and their ticks, from what was measured. */
import { scaleLinear, scaleLog } from "d3-scale";
import type { MeasuredConfiguration } from "#src/base/contracts/bench.js";
import type { ChartSeries } from "./series.js";

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
