/** The text answer, for a person; its last line is the one that the book prints. */
import type { Evaluation } from "../contracts/result.js";
import { grouped } from "../errors/define.js";
import { pythonFloat } from "./python-float.js";

export function renderText({ dataset, network, run, result, timing }: Evaluation): string {
  const [low, high] = result.confidenceInterval95;
  const { p50, p99 } = timing.batchLatencyMs;
  const rows: [string, string][] = [
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
    [
      "Correct",
      `${grouped(result.correct)} of ${grouped(result.total)}, 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}`,
    ],
  ];
  if (!result.complete)
    rows.push(["Partial", "not all images were evaluated; the numbers are of those that were"]);
  const table = rows.map(([name, value]) => `${name.padEnd(8)} : ${value}\n`).join("");
  return `${table}Accuracy : ${pythonFloat(result.accuracy)}\n`;
}

function imagesText(evaluated: number, total: number): string {
  return evaluated === total
    ? `${grouped(total)} images`
    : `${grouped(evaluated)} of ${grouped(total)} images`;
}

function threadsText({ threads, workersStarted }: Evaluation["run"]): string {
  if (threads === 0) return "on the coordinator's thread";
  return `${threads} ${threads === 1 ? "thread" : "threads"}${workersStarted === threads ? "" : ` (${workersStarted} workers started)`}`;
}
