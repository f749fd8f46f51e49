/** From a run's integers and times to the answer that users see: the one division is made here. */
import { cpus } from "node:os";
import type { Dataset } from "./contracts/dataset.js";
import type { Executor } from "./contracts/executor.js";
import type { Network } from "./contracts/network.js";
import type { OnnxModel } from "./contracts/onnx-model.js";
import type { AnyEvaluation, PredictedCounts, ResultCounts } from "./contracts/result.js";
import { wilson95 } from "./metrics/intervals.js";
import { quantile } from "./metrics/quantiles.js";
import type { Tally } from "./metrics/tally.js";
import { layerSizes } from "./networks/layer-sizes.js";
import type { EvaluateOptions } from "./options.js";
import type { BatchesOutcome } from "./run-batches.js";

export interface RunRecord {
  readonly options: EvaluateOptions;
  readonly dataset: Dataset;
  readonly network: Network | OnnxModel;
  readonly executor: Pick<Executor, "workersStarted" | "startMs">;
  readonly outcome: BatchesOutcome;
  readonly predictions: Uint16Array;
  readonly loadMs: number;
  readonly totalMs: number;
}

export function summarize({ predictions, ...record }: RunRecord): AnyEvaluation {
  const { options, dataset, network, executor, outcome, loadMs, totalMs } = record;
  const { total } = outcome.tally;
  const { evaluateMs } = outcome;
  const latenciesMs = Float64Array.from(outcome.latenciesMs).sort();
  const latencyMs = (share: number) => rounded(quantile(latenciesMs, share) ?? 0);
  return {
    schemaVersion: 1,
    dataset: {
      name: dataset.name,
      split: dataset.split,
      sha256: dataset.sha256,
      total: dataset.total,
      offset: options.offset,
      classNames: dataset.classNames ?? null,
    },
    network: { name: network.name, sha256: network.sha256, layers: layerSizes(network) },
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
    result: countsOf(outcome.tally, total === predictions.length, dataset.labelsPath !== undefined),
    timing: {
      totalMs: rounded(totalMs),
      loadMs: rounded(loadMs),
      startPoolMs: rounded(executor.startMs),
      evaluateMs: rounded(evaluateMs),
      imagesPerSecond: evaluateMs === 0 ? 0 : Math.round(total / (evaluateMs / 1000)),
      batchLatencyMs: { p50: latencyMs(0.5), p90: latencyMs(0.9), p99: latencyMs(0.99) },
    },
    predictions,
  };
}

function countsOf(
  { correct, total, confusion }: Tally,
  complete: boolean,
  labelled: boolean,
): ResultCounts | PredictedCounts {
  const rows = rowsOf(confusion);
  // Images without labels have label 0 in their slabs: all of them were counted in the first row.
  if (!labelled) return { labelled, total, complete, predictedCounts: rows[0] };
  return {
    labelled,
    accuracy: total === 0 ? 0 : correct / total,
    correct,
    total,
    complete,
    confidenceInterval95: total === 0 ? [0, 1] : wilson95(correct, total),
    confusionMatrix: rows,
  };
}

function rowsOf(square: Uint32Array): number[][] {
  const side = Math.sqrt(square.length);
  return Array.from({ length: side }, (_, row) => [...square.subarray(row * side, (row + 1) * side)]);
}

/** To microseconds: what lies below is noise. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
