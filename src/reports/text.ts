/** The text answer, for a person; its last line is the one that the book prints. */
import type { AnyEvaluation, PredictedCounts, ResultCounts } from "../contracts/result.js";
import { grouped } from "../errors/define.js";
import { pythonFloat } from "./python-float.js";

export function renderText({ dataset, network, run, result, timing }: AnyEvaluation): string {
  const { p50, p99 } = timing.batchLatencyMs;
  const rows: Row[] = [
    ["Data", `${dataset.name}, ${dataset.split}: ${imagesText(result.total, dataset.total)}`],
    ["Network", `${network.name}, ${network.layers.join("-")}`],
    [
      "Engine",
      `${run.engine}, ${threadsText(run)}, ${grouped(run.batches)} batches of ${grouped(run.batchSize)}`,
    ],
    [
      "Time",
      `${timing.evaluateMs.toFixed(1)} ms, ${grouped(timing.imagesPerSecond)} images/s, batch p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
    ],
    ...(result.complete ? [] : [PARTIAL]),
    ...(result.labelled ? scoreRows(result) : predictedRows(result, dataset.classNames)),
  ];
  return rows.map(([name, value]) => `${name.padEnd(8)} : ${value}\n`).join("");
}

type Row = readonly [name: string, value: string];

const PARTIAL: Row = ["Partial", "not all images were evaluated; the numbers are of those that were"];

function scoreRows({ correct, total, accuracy, confidenceInterval95: [low, high] }: ResultCounts): Row[] {
  return [
    [
      "Correct",
      `${grouped(correct)} of ${grouped(total)}, 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}`,
    ],
    ["Accuracy", pythonFloat(accuracy)],
  ];
}

function predictedRows({ predictedCounts }: PredictedCounts, names: readonly string[] | null): Row[] {
  return predictedCounts.map((count, label) => [names?.[label] ?? `Class ${label}`, grouped(count)]);
}

function imagesText(evaluated: number, total: number): string {
  return evaluated === total
    ? `${grouped(total)} images`
    : `${grouped(evaluated)} of ${grouped(total)} images`;
}

function threadsText({ threads, workersStarted }: AnyEvaluation["run"]): string {
  if (threads === 0) return "on the coordinator's thread";
  return `${threads} ${threads === 1 ? "thread" : "threads"}${workersStarted === threads ? "" : ` (${workersStarted} workers started)`}`;
}
