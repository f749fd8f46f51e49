/** Makes the evaluation from a run's integers and times, and from the facts of its data and network. */
import { cpus } from "node:os";
import { resolve } from "node:path";
import { IncompleteError, inTurns, interruption } from "#src/base/abort.js";
import {
  AS_STORED,
  type Dataset,
  type DatasetReading,
  hashFields,
  readingOf,
} from "#src/base/contracts/dataset.js";
import type { OnnxModel } from "#src/base/contracts/engine.js";
import type { PartialCounts } from "#src/base/contracts/journal.js";
import type { Network } from "#src/base/contracts/network.js";
import type {
  AnyEvaluation,
  BootstrapInterval,
  DatasetLocation,
  Evaluation,
  NetworkLocation,
  PredictedCounts,
  ResultCounts,
} from "#src/base/contracts/result.js";
import { BatchwiseError, RunError } from "#src/base/errors.js";
import { rounded } from "#src/base/text.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { confusionMetrics } from "#src/metrics/class-metrics.js";
import { quantile } from "#src/metrics/durations.js";
import { wilson95 } from "#src/metrics/intervals.js";
import { scoreSumsOf } from "#src/metrics/tally.js";
import { activationsOf, layerSizes } from "#src/networks/chain.js";
import { NETWORK_NAMES } from "#src/networks/source.js";
import type { EvaluateOptions } from "./options.js";
import { shardPart } from "./run-identity.js";
import type { Outcome, Work } from "./runner.js";

/** Times of an evaluation before and after its run. */
export interface Times {
  /** `performance.now()` at the call. */
  readonly beganAt: number;
  readonly loadMs: number;
}

/**
 * Returns the evaluation of a run.
 *
 * @throws IncompleteError if images are missing; the failure itself if data or network are at fault and no image was counted
 */
export async function evaluationOf(work: Work, outcome: Outcome, times: Times): Promise<AnyEvaluation> {
  const { counts } = outcome;
  const digest = await digestOf(work.pair.dataset);
  const evaluation = await summarize(work, outcome, times, digest);
  // A file that changed while it was hashed may be another than the one that was evaluated.
  const failure = outcome.failure ?? digest.fault ?? missingInterval(work, evaluation);
  if (failure === undefined) return evaluation;
  if (failure instanceof RunError || (failure instanceof BatchwiseError && counts.total > 0)) {
    throw new IncompleteError(failure, evaluation);
  }
  throw failure;
}

/** An interruption during the bootstrap, after all images. */
function missingInterval({ options, signal }: Work, { result }: AnyEvaluation): RunError | undefined {
  if (options.bootstrap === 0 || !result.labelled || result.macroF1Interval95 !== null) return undefined;
  return interruption(signal, result.total, result.total);
}

async function summarize(
  { options, pair, signal }: Work,
  outcome: Outcome,
  { beganAt, loadMs }: Times,
  digest: Digest,
): Promise<AnyEvaluation> {
  const { dataset, network, range } = pair;
  const { counts, evaluateMs, evaluatedImages } = outcome;
  const totalMs = performance.now() - beganAt;
  const latenciesMs = outcome.latenciesMs.toSorted();
  const latencyMs = (share: number) => rounded(quantile(latenciesMs, share) ?? 0);
  return {
    schemaVersion: 1,
    assumptions: pair.assumptions,
    dataset: { ...factsWith(digest, dataset, options), offset: range.offset },
    network: networkFacts(network, options),
    run: {
      engine: options.engine,
      ...outcome.run,
      batchSize: options.batchSize,
      recomputed: counts.recomputed,
      normalize: network.preprocessing.kind,
      node: process.version,
      cpu: cpus()[0]?.model ?? "unknown",
    },
    result:
      dataset.facts.labelsPath === undefined
        ? predictedOf(counts)
        : await resultCounts(counts, options, signal),
    ...(options.shard !== undefined &&
      digest.sha256 !== null && {
        shard: await shardPart(options.shard, pair, options, counts),
      }),
    timing: {
      totalMs: rounded(totalMs),
      loadMs: rounded(loadMs),
      startPoolMs: rounded(outcome.startPoolMs),
      evaluateMs: rounded(evaluateMs),
      imagesPerSecond: evaluateMs === 0 ? 0 : Math.round(evaluatedImages / (evaluateMs / 1000)),
      batchLatencyMs: { p50: latencyMs(0.5), p90: latencyMs(0.9), p99: latencyMs(0.99) },
    },
    predictionsFile: null,
    timeline: outcome.timeline,
    predictions: outcome.predictions,
    probabilities: outcome.probabilities,
  };
}

/** Images without labels have label 0 in their slabs: all of them are counted in the first row. */
function predictedOf({
  total,
  limit,
  confusionMatrix: [predictedCounts = []],
}: PartialCounts): PredictedCounts {
  return { labelled: false, total, complete: total === limit, predictedCounts };
}

/** The k of the top-k accuracy where none is requested. */
export const DEFAULT_TOP_K = 5;

export type CountsOptions = Pick<EvaluateOptions, "topK" | "bootstrap" | "seed">;

/**
 * All numbers of a labelled result. Default k of the top-k accuracy: 5, at most the number of classes. The bootstrap ends when
 * the signal is aborted; the interval is null then.
 */
export async function resultCounts(
  { correct, total, limit, confusionMatrix, scores }: PartialCounts,
  { topK = DEFAULT_TOP_K, ...bootstrap }: CountsOptions,
  signal?: AbortSignal,
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
    macroF1Interval95: await intervalOf(confusion, classes, bootstrap, signal),
  };
}

/** Loaded only for runs with probabilities. */
async function scoreMetricsOf() {
  return (await import("#src/metrics/score-metrics.js")).scoreMetrics;
}

async function intervalOf(
  confusion: Float64Array,
  classes: number,
  { bootstrap, seed }: Pick<CountsOptions, "bootstrap" | "seed">,
  signal: AbortSignal | undefined,
): Promise<BootstrapInterval | null> {
  if (bootstrap === 0) return null;
  const { bootstrapMacroF1 } = await import("#src/metrics/paired.js");
  try {
    return await inTurns(bootstrapMacroF1(confusion, classes, { resamples: bootstrap, seed }), signal);
  } catch (error) {
    if (signal?.aborted) return null;
    throw error;
  }
}

/** Hash of a data set, or why it has none. */
interface Digest {
  readonly sha256: string | null;
  readonly fault?: BatchwiseError;
}

/** Faults of hashing with which the images that were evaluated still count. */
const NO_HASH: ReadonlySet<string> = new Set(["ERR_DATASET_CHANGED", "ERR_INTERRUPTED", "ERR_TERMINATED"]);

async function digestOf(dataset: Dataset): Promise<Digest> {
  try {
    return { sha256: await dataset.sha256() };
  } catch (fault) {
    const isKnown = fault instanceof BatchwiseError && NO_HASH.has(fault.code);
    if (isKnown) return { sha256: null, fault };
    throw fault;
  }
}

type LocationOptions = Pick<
  EvaluateOptions,
  "dataset" | "labels" | "classes" | "offset" | keyof DatasetReading
>;

export async function datasetFacts(
  dataset: Dataset,
  options: LocationOptions,
): Promise<Evaluation["dataset"]> {
  return factsWith({ sha256: await dataset.sha256() }, dataset, options);
}

function factsWith(digest: Digest, dataset: Dataset, options: LocationOptions): Evaluation["dataset"] {
  const { name, split, total, classNames, view } = dataset.facts;
  return {
    name,
    split,
    ...hashFields(dataset.facts, digest.sha256),
    total,
    offset: options.offset,
    classNames: classNames ?? null,
    view: view ?? AS_STORED,
    location: datasetLocation(options),
  };
}

export function networkFacts(
  network: Network | OnnxModel,
  options: Pick<EvaluateOptions, "weights" | "activation" | "architecture" | "normalize" | "mean" | "std">,
): Evaluation["network"] {
  return {
    name: network.name,
    sha256: network.sha256,
    layers: layerSizes(network),
    activations: activationsOf(network),
    preprocessing: network.preprocessing,
    location: networkLocation(options),
  };
}

/** Location of the data; null for a data set that was passed as an object. */
export function datasetLocation({
  dataset,
  labels,
  classes,
  ...options
}: Omit<LocationOptions, "offset">): DatasetLocation | null {
  if (typeof dataset !== "string") return null;
  const reading = readingOf(options);
  return {
    dataset: nameOrPath(DATASET_NAMES, dataset),
    labels: labels ? resolve(labels) : null,
    classes: classes === undefined ? null : resolve(classes),
    ...(reading && { reading }),
  };
}

/** Location of the network; null for a network that was passed as an object. */
export function networkLocation({
  weights,
  activation,
  architecture,
  normalize,
  mean,
  std,
}: Pick<
  EvaluateOptions,
  "weights" | "activation" | "architecture" | "normalize" | "mean" | "std"
>): NetworkLocation | null {
  if (typeof weights !== "string") return null;
  return {
    weights: nameOrPath(NETWORK_NAMES, weights),
    activation: activation ?? null,
    architecture: architecture === undefined ? null : resolve(architecture),
    normalize: normalize ?? null,
    mean: mean ?? null,
    std: std ?? null,
  };
}

/** A known name takes precedence over a file of the same name. */
function nameOrPath(names: readonly string[], given: string): string {
  return names.includes(given) ? given : resolve(given);
}
