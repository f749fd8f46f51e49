/** An evaluation's two halves: what is made ready once, and the run that may follow it many times. */
import type { Dataset } from "./contracts/dataset.js";
import type { EngineSource } from "./contracts/engine.js";
import type { Executor } from "./contracts/executor.js";
import { type Log, SILENT } from "./contracts/log.js";
import type { Network } from "./contracts/network.js";
import type { OnnxModel } from "./contracts/onnx-model.js";
import type { AnyEvaluation } from "./contracts/result.js";
import type { DownloadNotice } from "./download/catalog-entry.js";
import { foldPreprocessing } from "./engines/fold.js";
import { preloadEngine } from "./engines/registry.js";
import { RunError } from "./errors.js";
import type { Workload } from "./executors/registry.js";
import { IncompleteError, interruption } from "./incomplete.js";
import { type DataAndNetwork, loadModelPair, loadPair, type SizedPair } from "./load-pair.js";
import type { EvaluateOptions } from "./options.js";
import { type BatchesOutcome, runBatches } from "./run-batches.js";
import type { TaskSize } from "./slabs/plan.js";
import type { Slab } from "./slabs/slab.js";
import { taskSizeFor } from "./slabs/task-size.js";
import { summarize } from "./summarize.js";

export interface PrepareHooks {
  readonly signal?: AbortSignal;
  /** Called before a data set or network that was given by name is downloaded. */
  onDownload?(notice: DownloadNotice): void;
  /** Called once data and network are loaded, before the first batch. */
  onStart?(plan: EvaluationPlan): void;
  /** Default silent. */
  readonly log?: Log;
}

export interface RunHooks {
  /** Aborting ends the run, which then throws an IncompleteError with what was done. */
  readonly signal?: AbortSignal;
  onProgress?(progress: Progress): void;
  /** Default silent. */
  readonly log?: Log;
}

export interface EvaluationPlan {
  readonly dataset: Dataset;
  readonly network: Network | OnnxModel;
  readonly options: EvaluateOptions;
  readonly totalImages: number;
  readonly batches: number;
}

export interface Progress {
  readonly doneImages: number;
  readonly totalImages: number;
}

export type OpenExecutor = (
  options: EvaluateOptions,
  source: EngineSource,
  work: Workload,
) => Promise<Executor>;

/** What a run needs; the executor is the holder's to close. */
export interface Prepared {
  readonly options: EvaluateOptions;
  readonly pair: DataAndNetwork<Network | OnnxModel>;
  readonly executor: Executor;
  readonly loadMs: number;
}

/** How one run differs from the next over the same preparation. */
export interface RunPlan {
  readonly slabs: AsyncIterable<Slab>;
  /** When what `totalMs` tells began, and how much of it went into loading. */
  readonly beganAt: number;
  readonly loadMs: number;
  /** Default: as fits the engine. */
  readonly taskSize?: TaskSize;
}

export interface FinishedRun {
  readonly evaluation: AnyEvaluation;
  readonly outcome: BatchesOutcome;
}

export async function prepare(
  open: OpenExecutor,
  options: EvaluateOptions,
  hooks: PrepareHooks,
): Promise<Prepared> {
  const { signal = new AbortController().signal, log = SILENT, onStart } = hooks;
  const beganAt = performance.now();
  preloadEngine(options.engine);
  const batchesOf = (images: number) => Math.ceil(images / options.batchSize);
  let opening: Promise<Executor> | undefined;
  /** Once; workers start at once, and whoever needs one waits for it. */
  const openFor = ({ network, range: { limit: images } }: SizedPair): Promise<Executor> => {
    if (opening === undefined) {
      const source = "layers" in network ? foldPreprocessing(network) : network;
      opening = open(options, source, { images, tasks: batchesOf(images) });
      // What goes wrong here is told to the first who runs a task.
      opening.then((opened) => opened.warm()).catch(() => {});
    }
    return opening;
  };
  const load = options.engine === "onnx" ? loadModelPair : loadPair;
  const pair = await load(options, {
    signal,
    log,
    onDownload: (notice) => hooks.onDownload?.(notice),
    onSized: openFor,
  }).catch(async (error: unknown) => {
    // Workers may have been started before the images turned out to be at fault.
    await (await opening?.catch(() => undefined))?.close();
    throw error;
  });
  const { dataset, network } = pair;
  const totalImages = pair.range.limit;
  const batches = batchesOf(totalImages);
  const loadMs = performance.now() - beganAt;
  log.info({ dataset: dataset.name, network: network.name, totalImages, batches, loadMs }, "loaded");
  onStart?.({ dataset, network, options, totalImages, batches });
  return { options, pair, executor: await openFor(pair), loadMs };
}

/** @throws IncompleteError where batches failed after their retries, or the signal was aborted */
export async function runPrepared(
  { options, pair, executor }: Prepared,
  { slabs, beganAt, loadMs, taskSize }: RunPlan,
  { signal = new AbortController().signal, onProgress, log = SILENT }: RunHooks,
): Promise<FinishedRun> {
  const { dataset, network, range, classes } = pair;
  const { batchSize, engine, threads, retries } = options;
  const totalImages = range.limit;
  const predictions = new Uint16Array(totalImages);
  let doneImages = 0;
  const outcome = await runBatches({
    slabs,
    executor,
    batchSize,
    totalBatches: Math.ceil(totalImages / batchSize),
    taskSize: taskSize ?? taskSizeFor(engine, threads),
    retries,
    classes,
    signal,
    log,
    onMerged(slab, start, count) {
      const first = slab.firstImage + start - range.offset;
      predictions.set(slab.predictions.subarray(start, start + count), first);
      doneImages += count;
      onProgress?.({ doneImages, totalImages });
    },
  });
  log.info({ evaluateMs: outcome.evaluateMs, retries: outcome.retries }, "merged");
  const totalMs = performance.now() - beganAt;
  const evaluation = summarize({
    options,
    dataset,
    network,
    executor,
    outcome,
    predictions,
    loadMs,
    totalMs,
  });
  if (signal.aborted) throw new IncompleteError(interruption(signal, doneImages, totalImages), evaluation);
  if (outcome.failure instanceof RunError) throw new IncompleteError(outcome.failure, evaluation);
  if (outcome.failure !== undefined) throw outcome.failure;
  return { evaluation, outcome };
}
