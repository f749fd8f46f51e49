/** Headline of a page: the main figure, its interval, assumptions and tiles. */

import * as Plot from "@observablehq/plot";
import { type Assumption, assumedText } from "../src/base/assumptions.js";
import type { Report } from "./album.js";
import { chart, count, counted, decimal, element, milliseconds, percent, tile } from "./dom.js";

export function headline(report: Report): HTMLElement {
  const { dataset, network, result } = report;
  const [low, high] = result.confidenceInterval95;
  const interval = `95 % interval ${percent(low)} to ${percent(high)}`;
  return hero({
    kicker: "Evaluation report",
    title: `${network.name} on ${dataset.name}`,
    warning: result.complete ? undefined : "Partial: not all images were evaluated.",
    assumptions: report.assumptions,
    figure: result.total === 0 ? "–" : percent(result.accuracy),
    unit: "accuracy",
    lead:
      result.total === 0
        ? "No image was evaluated."
        : `${count(result.correct)} of ${counted(result.total, "image")} are classified correctly; ${count(result.total - result.correct)} are not.`,
    more:
      result.total === 0
        ? []
        : [
            chart(interval, `Accuracy ${percent(result.accuracy)}, ${interval}`, (width) =>
              intervalPlot(width, [{ accuracy: result.accuracy, low, high, colour: "var(--accent)" }]),
            ),
          ],
    tiles: tiles(report),
  });
}

function tiles({ result, run, timing }: Report): HTMLElement[] {
  const { averages, scores, macroF1Interval95: f1 } = result;
  const { p50, p90, p99 } = timing.batchLatencyMs;
  const fromScores = scores && [
    tile("Log loss", decimal(scores.logLoss), `Brier score ${decimal(scores.brierScore)}`),
    tile("Calibration error", percent(scores.expectedCalibrationError), "expected, ECE"),
    tile(
      `Top-${scores.topK.k} accuracy`,
      percent(scores.topK.accuracy),
      counted(scores.topK.correct, "image"),
    ),
  ];
  return [
    tile("Correct", count(result.correct), `of ${counted(result.total, "image")}`),
    tile(
      "Macro F1",
      decimal(averages.macro.f1),
      f1 === null ? "mean over the classes" : `95 %: ${decimal(f1.low)} to ${decimal(f1.high)}`,
    ),
    tile("Balanced accuracy", decimal(result.balancedAccuracy), `Cohen’s κ ${decimal(result.cohensKappa)}`),
    ...(fromScores ?? []),
    // Predictions that were made elsewhere took no time here.
    ...(run.engine === "none"
      ? []
      : [
          tile("Images per second", count(timing.imagesPerSecond), `in ${milliseconds(timing.evaluateMs)}`),
          tile("Batch latency, p50", milliseconds(p50), "half of the batches"),
          tile("Batch latency, p99", milliseconds(p99), `p90 ${milliseconds(p90)}`),
        ]),
  ];
}

/** Content of the top of a page. */
export interface Hero {
  readonly kicker: string;
  readonly title: string;
  /** Sentence shown if the result is partial. */
  readonly warning: string | undefined;
  /** Assumptions that the figures depend on. */
  readonly assumptions: readonly Assumption[];
  readonly figure: string;
  readonly unit: string;
  readonly lead: string;
  /** Elements below the lead. */
  readonly more: readonly HTMLElement[];
  readonly tiles: readonly HTMLElement[];
}

export function hero({
  kicker,
  title,
  warning,
  assumptions,
  figure,
  unit,
  lead,
  more,
  tiles,
}: Hero): HTMLElement {
  return element(
    "section",
    { class: "headline", "aria-labelledby": "headline-title" },
    element(
      "div",
      { class: "hero" },
      element("p", { class: "kicker" }, kicker),
      element("h1", { id: "headline-title" }, title),
      ...(warning === undefined ? [] : [element("p", { class: "warning" }, warning)]),
      ...(assumptions.length === 0
        ? []
        : [element("p", { class: "warning" }, `Assumed: ${assumedText(assumptions)}.`)]),
      element("p", { class: "accuracy" }, figure, element("small", {}, unit)),
      element("p", { class: "lead" }, lead),
      ...more,
    ),
    element("dl", { class: "tiles" }, ...tiles),
  );
}

/** An accuracy and its interval, 0..1: a row of `intervalPlot`. */
export interface Interval {
  readonly accuracy: number;
  readonly low: number;
  readonly high: number;
  /** CSS colour. */
  readonly colour: string;
  /** Name beside the row, if there are several rows. */
  readonly name?: string;
}

const ROW_HEIGHT = 36;

export function intervalPlot(width: number, intervals: readonly Interval[]): Plot.PlotOptions {
  const low = Math.min(...intervals.map((interval) => interval.low));
  const high = Math.max(...intervals.map((interval) => interval.high));
  const margin = Math.max((high - low) * (intervals.length > 1 ? 0.15 : 0.5), 0.001);
  const ticks = Math.min(8, Math.floor(width / 60));
  return {
    height: 48 + ROW_HEIGHT * intervals.length,
    marginBottom: 40,
    marginTop: 8,
    marginLeft: 24,
    marginRight: 24,
    x: {
      domain: [Math.max(0, low - margin), Math.min(1, high + margin)],
      ticks,
      tickFormat: (share: number) => (100 * share).toFixed(1),
      label: "Accuracy, %",
    },
    y: { type: "point", domain: [...intervals.keys()], axis: null, padding: 0.5 },
    marks: [
      Plot.gridX({ ticks, stroke: "var(--line)", strokeOpacity: 1 }),
      intervals.flatMap(({ accuracy, low, high, colour, name = "" }, row) => [
        Plot.ruleY([row], { x1: low, x2: high, stroke: colour, strokeWidth: 8, strokeLinecap: "round" }),
        Plot.dot([row], {
          x: accuracy,
          y: row,
          r: 6,
          fill: "var(--surface)",
          stroke: colour,
          strokeWidth: 3,
        }),
        Plot.text([row], {
          frameAnchor: "left",
          dx: -24,
          y: row,
          text: () => name,
          textAnchor: "start",
          fontWeight: 700,
        }),
      ]),
    ],
  };
}
