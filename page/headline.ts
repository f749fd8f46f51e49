/** The headline: how right, how sure of that, how fast. */
import { chart } from "./chart.js";
import { hero } from "./hero.js";
import { intervalPlot } from "./interval-plot.js";
import type { Report } from "./report.js";
import { tile } from "./tile.js";
import { count, counted, decimal, milliseconds, percent } from "./words.js";

export function headline(report: Report): HTMLElement {
  const { dataset, network, result } = report;
  const [low, high] = result.confidenceInterval95;
  const interval = `95 % interval ${percent(low)} to ${percent(high)}`;
  return hero({
    kicker: "Evaluation report",
    title: `${network.name} on ${dataset.name}`,
    warning: result.complete ? undefined : "Partial: not all images were evaluated.",
    assumptions: report.assumptions,
    figure: percent(result.accuracy),
    unit: "accuracy",
    lead: `${count(result.correct)} of ${counted(result.total, "image")} are classified as they are labelled; ${count(result.total - result.correct)} are not.`,
    more: [
      chart(interval, `Accuracy ${percent(result.accuracy)}, ${interval}`, (width) =>
        intervalPlot(width, [{ accuracy: result.accuracy, low, high, colour: "var(--accent)" }]),
      ),
    ],
    tiles: tiles(report),
  });
}

function tiles({ result, timing }: Report): HTMLElement[] {
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
    tile("Images a second", count(timing.imagesPerSecond), `in ${milliseconds(timing.evaluateMs)}`),
    tile("Batch latency, p50", milliseconds(p50), "half of the batches"),
    tile("Batch latency, p99", milliseconds(p99), `p90 ${milliseconds(p90)}`),
  ];
}
