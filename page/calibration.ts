/** Section on calibration: accuracy by confidence, and the number of images by confidence. */
import * as Plot from "@observablehq/plot";
import type { ReliabilityBin, ScoreMetrics } from "../src/base/contracts/metrics.js";
import { chart, count, counted, decimal, element, numbersTable, percent, section } from "./dom.js";

export function calibration(scores: ScoreMetrics): HTMLElement {
  const bins = scores.reliability;
  const filled = bins.filter(({ total }) => total > 0);
  const error = (100 * scores.expectedCalibrationError).toFixed(2);
  return section(
    "calibration",
    "Calibration: confidence and accuracy",
    `A well calibrated network is right on 80 % of the images that it predicts with a confidence of 80 %. Here, confidence and accuracy differ by ${error} percentage points on average.`,
    element(
      "div",
      { class: "pair" },
      chart(
        "Accuracy by confidence; the dashed line shows perfect calibration",
        `Reliability diagram: ${filled.map((bin) => `confidence ${decimal(bin.meanConfidence, 2)}, accuracy ${decimal(bin.accuracy, 2)}`).join("; ")}`,
        (width) => reliabilityPlot(filled, width),
      ),
      chart(
        "Images by confidence",
        `Images by confidence: ${filled.map((bin) => `up to ${bin.to.toFixed(2)}, ${count(bin.total)}`).join("; ")}`,
        (width) => histogramPlot(filled, width),
      ),
    ),
    table(bins),
  );
}

function frame(width: number): Plot.PlotOptions {
  return {
    height: Math.min(360, Math.max(240, Math.round(width * 0.75))),
    marginTop: 32,
    marginLeft: 52,
    marginBottom: 38,
    marginRight: 16,
  };
}

function reliabilityPlot(bins: readonly ReliabilityBin[], width: number): Plot.PlotOptions {
  return {
    ...frame(width),
    x: { domain: [0, 1], label: "Confidence", tickFormat: "%" },
    y: { domain: [0, 1], label: "Accuracy", tickFormat: "%" },
    r: { range: [2, 9] },
    marks: [
      Plot.gridX({ stroke: "var(--line)", strokeOpacity: 1 }),
      Plot.gridY({ stroke: "var(--line)", strokeOpacity: 1 }),
      Plot.rect(bins, {
        x1: "from",
        x2: "to",
        y1: 0,
        y2: "accuracy",
        fill: "var(--accent)",
        fillOpacity: 0.35,
        insetLeft: 1,
        insetRight: 1,
      }),
      Plot.line(
        [
          [0, 0],
          [1, 1],
        ],
        { stroke: "var(--muted)", strokeDasharray: "4 4" },
      ),
      Plot.line(bins, { x: "meanConfidence", y: "accuracy", stroke: "var(--accent)", strokeOpacity: 0.5 }),
      Plot.dot(bins, {
        x: "meanConfidence",
        y: "accuracy",
        // The area of a dot is proportional to its number of images.
        r: "total",
        fill: "var(--accent)",
        title: binInWords,
        tip: true,
      }),
    ],
  };
}

function histogramPlot(bins: readonly ReliabilityBin[], width: number): Plot.PlotOptions {
  return {
    ...frame(width),
    x: { domain: [0, 1], label: "Confidence", tickFormat: "%" },
    y: {
      label: "Images (logarithmic)",
      type: "log",
      domain: [1, 2 * Math.max(...bins.map(({ total }) => total))],
      ticks: 4,
      tickFormat: "~s",
    },
    marks: [
      Plot.gridY({ stroke: "var(--line)", strokeOpacity: 1, ticks: 4 }),
      Plot.rect(bins, {
        x1: "from",
        x2: "to",
        y1: 1,
        y2: "total",
        fill: "var(--accent)",
        insetLeft: 1,
        insetRight: 1,
        title: binInWords,
        tip: true,
      }),
    ],
  };
}

function binInWords(bin: ReliabilityBin): string {
  return `Confidence ${percent(bin.from, 0)} to ${percent(bin.to, 0)}\n${counted(bin.total, "image")}\n${percent(bin.accuracy ?? 0)} right`;
}

function table(bins: readonly ReliabilityBin[]): HTMLElement {
  return element(
    "details",
    {},
    element("summary", {}, "Table of these numbers"),
    numbersTable({
      name: "Accuracy by confidence",
      head: ["Confidence", "Images", "Mean confidence", "Accuracy"],
      rows: bins.map(({ from, to, total, meanConfidence, accuracy }) => [
        `${from.toFixed(2)} to ${to.toFixed(2)}`,
        count(total),
        decimal(meanConfidence),
        decimal(accuracy),
      ]),
    }),
  );
}
