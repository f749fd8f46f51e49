/** Report of an evaluation as text for a terminal. Its last line is the line that the book prints. */
import { assumedText } from "#src/base/assumptions.js";
import type { AnyEvaluation, PredictedCounts, ResultCounts } from "#src/base/contracts/result.js";
import { counted, grouped } from "#src/base/errors/define.js";
import { printable, pythonFloat } from "#src/base/text.js";
import { cellsOf, type Paint, plainPaint, type Row, rowLines, shortened } from "./cells.js";
import { classLines, confusionLines } from "./classes.js";

/** Shown instead of an accuracy if there are no images. */
const NO_IMAGE = "no image was evaluated";

/** Width of names, in cells: leaves room for four columns of numbers in 80 cells. */
const NAME_CELLS = 24;

export function renderText(evaluation: AnyEvaluation, paint: Paint = plainPaint): string {
  const { dataset, result } = evaluation;
  const lines = result.labelled
    ? scoreLines(result, dataset.classNames, paint)
    : rowLines(predictedRows(result, dataset.classNames));
  return [...rowLines(headingRows(evaluation)), ...lines].map((line) => `${line.trimEnd()}\n`).join("");
}

function headingRows({ assumptions, dataset, network, run, result, timing }: AnyEvaluation): Row[] {
  const { p50, p90, p99 } = timing.batchLatencyMs;
  const rows: Row[] = [
    ["Data", `${printable(dataset.name)}, ${dataset.split}: ${imagesText(result.total, dataset.total)}`],
    ["Network", `${printable(network.name)}, ${network.layers.join("-")}`],
  ];
  if (run.engine === "none") {
    rows.push(["Engine", "none: the predictions were made elsewhere"]);
  } else if (run.batches === 0 && result.total > 0) {
    rows.push(["Engine", run.engine], ["Time", "already finished; the result comes from the journal"]);
  } else {
    const batches = `${counted(run.batches, "batch", "batches")} of ${grouped(run.batchSize)}`;
    rows.push(
      ["Engine", `${engineText(run)}, ${threadsText(run)}, ${batches}`],
      ["Time", `${timing.evaluateMs.toFixed(1)} ms, ${grouped(timing.imagesPerSecond)} images/s`],
      ["Batch", `p50 ${p50.toFixed(2)} ms, p90 ${p90.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`],
    );
  }
  if (assumptions.length > 0) rows.push(["Assumed", assumedText(assumptions)]);
  if (!result.complete) {
    rows.push(["Partial", "not all images were evaluated; the numbers cover only those that were"]);
  }
  return rows;
}

function scoreLines(result: ResultCounts, classNames: readonly string[] | null, paint: Paint): string[] {
  const { confusionMatrix, total } = result;
  if (total === 0) return rowLines([["Accuracy", NO_IMAGE]]);
  const names = confusionMatrix.map((_, label) =>
    shortened(classNames ? `${label} ${printable(classNames[label] ?? "")}` : String(label), NAME_CELLS),
  );
  const nameCells = Math.max("weighted mean".length, ...names.map(cellsOf));
  const confusion = confusionLines(confusionMatrix, names, nameCells, paint);
  return [
    "",
    ...classLines(result, names, nameCells, paint),
    "",
    ...confusion,
    ...(confusion.length > 0 ? [""] : []),
    ...rowLines(scoreRows(result)),
  ];
}

function scoreRows(result: ResultCounts): Row[] {
  const { correct, total, accuracy, confidenceInterval95, macroF1Interval95, scores } = result;
  const { balancedAccuracy, cohensKappa, matthewsCorrelation } = result;
  const rows: Row[] = [
    [
      "Balanced",
      `accuracy ${decimals(balancedAccuracy)}, Cohen's kappa ${decimals(cohensKappa)}, Matthews ${decimals(matthewsCorrelation)}`,
    ],
  ];
  if (macroF1Interval95 !== null) {
    const { low, high, resamples } = macroF1Interval95;
    rows.push(["Macro F1", `${intervalText(low, high)} by ${grouped(resamples)} resamples`]);
  }
  if (scores !== null) {
    const { topK, logLoss, brierScore, expectedCalibrationError } = scores;
    rows.push(
      [
        `Top-${topK.k}`,
        `${decimals(topK.accuracy)}, ${grouped(topK.correct)} images with the label among the ${topK.k} most probable`,
      ],
      [
        "Scores",
        `log loss ${decimals(logLoss)}, Brier ${decimals(brierScore)}, calibration error ${decimals(expectedCalibrationError)}`,
      ],
    );
  }
  return [
    ...rows,
    ["Correct", `${grouped(correct)} of ${grouped(total)}, ${intervalText(...confidenceInterval95)}`],
    ["Accuracy", pythonFloat(accuracy)],
  ];
}

function predictedRows({ predictedCounts }: PredictedCounts, names: readonly string[] | null): Row[] {
  return predictedCounts.map((count, label) => [
    names === null ? `Class ${label}` : shortened(printable(names[label] ?? ""), NAME_CELLS),
    grouped(count),
  ]);
}

function decimals(value: number | null): string {
  return value?.toFixed(4) ?? "-";
}

function intervalText(low: number, high: number): string {
  return `95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}`;
}

function imagesText(evaluated: number, total: number): string {
  return evaluated === total
    ? `${grouped(total)} images`
    : `${grouped(evaluated)} of ${grouped(total)} images`;
}

function engineText({ engine, fallback }: AnyEvaluation["run"]): string {
  return fallback === undefined ? engine : `${engine} (all in float64: ${fallback})`;
}

function threadsText({ threads, workersStarted, hosts }: AnyEvaluation["run"]): string {
  if (hosts !== undefined)
    return `${hosts.length} ${hosts.length === 1 ? "host" : "hosts"}, ${threads} threads`;
  if (threads === 0) return "on the coordinator's thread";
  const text = counted(threads, "thread", "threads");
  if (workersStarted === threads) return text;
  if (workersStarted === 0) return `${text} (finished before a worker was needed)`;
  return `${text} (${counted(workersStarted, "worker", "workers")} started)`;
}
