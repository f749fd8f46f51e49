/** From a run's integers and times to the answer that users see: the one division is made here. */
import { cpus } from "node:os";
import type { CollectedScores } from "./collect-scores.js";
import type { Executor } from "./contracts/executor.js";
import type { AnyEvaluation, BootstrapInterval, PredictedCounts, ResultCounts } from "./contracts/result.js";
import { datasetFacts, networkFacts } from "./facts.js";
import type { AnyPair } from "./load-pair.js";
import { confusionMetrics } from "./metrics/confusion-metrics.js";
import { wilson95 } from "./metrics/intervals.js";
import { quantile } from "./metrics/quantiles.js";
import type { Tally } from "./metrics/tally.js";
import { rounded } from "./milliseconds.js";
import type { EvaluateOptions } from "./options.js";
import type { BatchesOutcome } from "./run-batches.js";

export interface RunRecord {
  readonly options: EvaluateOptions;
  readonly pair: Pick<AnyPair, "dataset" | "network" | "classes">;
  readonly executor: Pick<Executor, "workersStarted" | "startMs">;
  readonly outcome: BatchesOutcome;
  readonly tally: Tally;
  readonly predictions: Uint16Array;
  readonly scores: CollectedScores | undefined;
  readonly loadMs: number;
  readonly totalMs: number;
}

export async function summarize(record: RunRecord): Promise<AnyEvaluation> {
  const { options, pair, executor, outcome, tally, predictions, scores, loadMs, totalMs } = record;
  const { dataset, network } = pair;
  const { total } = tally;
  const { evaluateMs } = outcome;
  const latenciesMs = Float64Array.from(outcome.latenciesMs).sort();
  const latencyMs = (share: number) => rounded(quantile(latenciesMs, share) ?? 0);
  return {
    schemaVersion: 1,
    dataset: datasetFacts(dataset, options),
    network: networkFacts(network, options),
    run: {
      engine: options.engine,
      executor: options.threads === 0 ? "inline" : "local",
      threads: options.threads,
      workersStarted: executor.workersStarted,
      batchesByThread: outcome.batchesByThread,
      batchSize: options.batchSize,
      batches: outcome.batches,
      retries: outcome.retries,
      recomputed: outcome.recomputed,
      normalize: network.preprocessing.kind,
      node: process.version,
      cpu: cpus()[0]?.model ?? "unknown",
    },
    result: dataset.labelsPath === undefined ? predictedOf(record) : await countsOf(record),
    timing: {
      totalMs: rounded(totalMs),
      loadMs: rounded(loadMs),
      startPoolMs: rounded(executor.startMs),
      evaluateMs: rounded(evaluateMs),
      imagesPerSecond: evaluateMs === 0 ? 0 : Math.round(total / (evaluateMs / 1000)),
      batchLatencyMs: { p50: latencyMs(0.5), p90: latencyMs(0.9), p99: latencyMs(0.99) },
    },
    predictionsFile: null,
    timeline: scores?.timeline(outcome.beganAtMs) ?? [],
    predictions,
    probabilities: scores?.probabilities ?? null,
  };
}

async function countsOf({ options, pair, tally, predictions, scores }: RunRecord): Promise<ResultCounts> {
  const { correct, total, confusion } = tally;
  return {
    labelled: true,
    accuracy: total === 0 ? 0 : correct / total,
    correct,
    total,
    complete: total === predictions.length,
    confidenceInterval95: total === 0 ? [0, 1] : wilson95(correct, total),
    confusionMatrix: rowsOf(confusion),
    ...confusionMetrics(confusion, pair.classes),
    scores: scores?.metrics(options.topK) ?? null,
    macroF1Interval95: options.bootstrap === 0 ? null : await intervalOf(confusion, pair.classes, options),
  };
}

async function intervalOf(
  confusion: Uint32Array,
  classes: number,
  { bootstrap, seed }: EvaluateOptions,
): Promise<BootstrapInterval> {
  const { bootstrapMacroF1 } = await import("./metrics/bootstrap.js");
  return bootstrapMacroF1(confusion, classes, { resamples: bootstrap, seed });
}

/** Images without labels have label 0 in their slabs: all of them were counted in the first row. */
function predictedOf({ tally: { total, confusion }, predictions }: RunRecord): PredictedCounts {
  const [predictedCounts] = rowsOf(confusion);
  return { labelled: false, total, complete: total === predictions.length, predictedCounts };
}

function rowsOf(square: Uint32Array): number[][] {
  const side = Math.sqrt(square.length);
  return Array.from({ length: side }, (_, row) => [...square.subarray(row * side, (row + 1) * side)]);
}
