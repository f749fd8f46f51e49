/** From a run's integers and times to the answer that users see. */
import { cpus } from "node:os";
import type { Executor } from "#src/base/contracts/executor.js";
import type { PartialCounts } from "#src/base/contracts/journal.js";
import type {
  AnyEvaluation,
  BootstrapInterval,
  PredictedCounts,
  ResultCounts,
} from "#src/base/contracts/result.js";
import { rounded } from "#src/base/text.js";
import { confusionMetrics } from "#src/metrics/class-metrics.js";
import { quantile, wilson95 } from "#src/metrics/intervals.js";
import { matrixRows, partialOf, scoreSumsOf } from "#src/metrics/partial-counts.js";
import type { Tally } from "#src/metrics/tally.js";
import type { BatchesOutcome } from "#src/pool/run-batches.js";
import type { CollectedScores } from "./collect-scores.js";
import { datasetFacts, networkFacts } from "./facts.js";
import type { AnyPair } from "./open-inputs.js";
import type { EvaluateOptions } from "./options.js";

export interface RunRecord {
  readonly options: EvaluateOptions;
  readonly pair: Pick<AnyPair, "dataset" | "network" | "classes" | "range" | "whole" | "assumptions">;
  readonly executor: Pick<Executor, "workersStarted" | "startMs">;
  /** Why `simd` computed all by the reference, where it did. */
  readonly fallback?: string | undefined;
  readonly outcome: BatchesOutcome;
  readonly tally: Tally;
  readonly predictions: Uint16Array;
  readonly scores: CollectedScores | undefined;
  /** What was counted before this run took up another. */
  readonly counted: PartialCounts | undefined;
  readonly loadMs: number;
  readonly totalMs: number;
}

export async function summarize(record: RunRecord): Promise<AnyEvaluation> {
  const { options, pair, executor, outcome, tally, predictions, scores, counted, loadMs, totalMs } = record;
  const { dataset, network } = pair;
  const { total } = tally;
  const { evaluateMs } = outcome;
  const evaluatedNow = total - (counted?.total ?? 0);
  const latenciesMs = outcome.latenciesMs.toSorted();
  const latencyMs = (share: number) => rounded(quantile(latenciesMs, share) ?? 0);
  return {
    schemaVersion: 1,
    assumptions: pair.assumptions,
    dataset: { ...(await datasetFacts(dataset, options)), offset: pair.range.offset },
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
      recomputed: outcome.recomputed + (counted?.recomputed ?? 0),
      ...(record.fallback !== undefined && { fallback: record.fallback }),
      normalize: network.preprocessing.kind,
      node: process.version,
      cpu: cpus()[0]?.model ?? "unknown",
    },
    result:
      dataset.facts.labelsPath === undefined
        ? predictedOf(record)
        : await resultCounts(countsOf(record), options),
    ...(options.shard !== undefined && {
      shard: await (await import("./run-identity.js")).shardPart(
        options.shard,
        pair,
        options,
        countsOf(record),
      ),
    }),
    timing: {
      totalMs: rounded(totalMs),
      loadMs: rounded(loadMs),
      startPoolMs: rounded(executor.startMs),
      evaluateMs: rounded(evaluateMs),
      imagesPerSecond: evaluateMs === 0 ? 0 : Math.round(evaluatedNow / (evaluateMs / 1000)),
      batchLatencyMs: { p50: latencyMs(0.5), p90: latencyMs(0.9), p99: latencyMs(0.99) },
    },
    predictionsFile: null,
    timeline: scores?.timeline(outcome.beganAtMs) ?? [],
    predictions,
    probabilities: scores?.probabilities ?? null,
  };
}

function countsOf({ pair, outcome, tally, scores, counted }: RunRecord): PartialCounts {
  const recomputed = outcome.recomputed + (counted?.recomputed ?? 0);
  return partialOf(tally, pair.range, { scores: scores?.sums() ?? null, recomputed });
}

/** Images without labels have label 0 in their slabs: all of them were counted in the first row. */
function predictedOf({ tally: { total, confusion }, pair }: RunRecord): PredictedCounts {
  const [predictedCounts] = matrixRows(confusion);
  return { labelled: false, total, complete: total === pair.range.limit, predictedCounts };
}

const DEFAULT_TOP_K = 5;

export type CountsOptions = Pick<EvaluateOptions, "topK" | "bootstrap" | "seed">;

/** Top-k accuracy with k as given, or 5, and at most the classes. */
export async function resultCounts(
  { correct, total, limit, confusionMatrix, scores }: PartialCounts,
  { topK = DEFAULT_TOP_K, ...bootstrap }: CountsOptions,
): Promise<ResultCounts> {
  const classes = confusionMatrix.length;
  const confusion = Float64Array.from(confusionMatrix.flat());
  return {
    labelled: true,
    accuracy: total === 0 ? 0 : correct / total,
    correct,
    total,
    complete: total === limit,
    confidenceInterval95: total === 0 ? [0, 1] : wilson95(correct, total),
    confusionMatrix,
    ...confusionMetrics(confusion, classes),
    scores: scores && (await scoreMetricsOf())(scoreSumsOf(scores), Math.min(topK, classes)),
    macroF1Interval95: await intervalOf(confusion, classes, bootstrap),
  };
}

/** Loaded only where probabilities were asked for. */
async function scoreMetricsOf() {
  return (await import("#src/metrics/score-metrics.js")).scoreMetrics;
}

async function intervalOf(
  confusion: Float64Array,
  classes: number,
  { bootstrap, seed }: Pick<CountsOptions, "bootstrap" | "seed">,
): Promise<BootstrapInterval | null> {
  if (bootstrap === 0) return null;
  const { bootstrapMacroF1 } = await import("#src/metrics/paired.js");
  return bootstrapMacroF1(confusion, classes, { resamples: bootstrap, seed });
}
