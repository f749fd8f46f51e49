/** Composes an evaluation: data and network are loaded side by side, batches run, integers merged. */
import { availableParallelism } from "node:os";
import type { Dataset } from "./contracts/dataset.js";
import type { FoldedLayers } from "./contracts/engine.js";
import type { Executor } from "./contracts/executor.js";
import { type Log, SILENT } from "./contracts/log.js";
import type { Network } from "./contracts/network.js";
import type { AnyEvaluation, Evaluation, PredictedCounts } from "./contracts/result.js";
import type { DownloadNotice } from "./download/catalog-entry.js";
import { foldPreprocessing } from "./engines/fold.js";
import { RunError } from "./errors.js";
import { openExecutor } from "./executors/registry.js";
import { IncompleteError, interruption } from "./incomplete.js";
import { loadPair } from "./load-pair.js";
import { type EvaluateInput, type EvaluateOptions, resolveOptions } from "./options.js";
import { runBatches } from "./run-batches.js";
import { taskSizeFor } from "./slabs/task-size.js";
import { summarize } from "./summarize.js";

export interface EvaluateHooks {
  /** Aborting ends the run: `evaluate` then throws an IncompleteError with what was done. */
  readonly signal?: AbortSignal;
  /** Called before a data set or network that was given by name is downloaded. */
  onDownload?(notice: DownloadNotice): void;
  /** Called once data and network are loaded, before the first batch. */
  onStart?(plan: EvaluationPlan): void;
  onProgress?(progress: Progress): void;
  /** Default silent. */
  readonly log?: Log;
}

export interface EvaluationPlan {
  readonly dataset: Dataset;
  readonly network: Network;
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
  layers: FoldedLayers,
  tasks: number,
) => Promise<Executor>;

/**
 * Evaluates a network over a labelled image set, in batches.
 *
 * @returns counts, accuracy, confusion matrix, timing and each image's predicted class
 * @throws UsageError, FileError, DatasetError or NetworkError where the input is at fault; no batch has then run
 * @throws TransferError where what was given by name could not be downloaded
 * @throws IncompleteError where batches failed after their retries, or the signal was aborted
 */
export function evaluate(
  input: EvaluateInput & { readonly labels: false },
  hooks?: EvaluateHooks,
): Promise<Evaluation<PredictedCounts>>;
export function evaluate(
  input?: EvaluateInput & { readonly labels?: string | undefined },
  hooks?: EvaluateHooks,
): Promise<Evaluation>;
export function evaluate(input?: EvaluateInput, hooks?: EvaluateHooks): Promise<AnyEvaluation>;
export function evaluate(input: EvaluateInput = {}, hooks: EvaluateHooks = {}): Promise<AnyEvaluation> {
  return evaluateWith(openExecutor, input, hooks);
}

/** `evaluate` over an executor of the caller's choice. */
export async function evaluateWith(
  open: OpenExecutor,
  input: EvaluateInput,
  hooks: EvaluateHooks = {},
): Promise<AnyEvaluation> {
  const { signal = new AbortController().signal, onStart, onProgress, log = SILENT } = hooks;
  const beganAt = performance.now();
  const options = resolveOptions(input, availableParallelism());
  const { batchSize } = options;
  const pair = await loadPair(options, { signal, log, onDownload: (notice) => hooks.onDownload?.(notice) });
  const { dataset, network, range } = pair;
  const totalImages = range.limit;
  const batches = Math.ceil(totalImages / batchSize);
  const loadMs = performance.now() - beganAt;

  log.info({ dataset: dataset.name, network: network.name, totalImages, batches, loadMs }, "loaded");
  onStart?.({ dataset, network, options, totalImages, batches });
  const predictions = new Uint16Array(totalImages);
  let doneImages = 0;
  const executor = await open(options, foldPreprocessing(network), batches);
  try {
    if (options.warm) await executor.warm();
    const outcome = await runBatches({
      slabs: pair.slabs(batchSize),
      executor,
      batchSize,
      totalBatches: batches,
      taskSize: taskSizeFor(options.engine, options.threads),
      retries: options.retries,
      classes: pair.classes,
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
    return evaluation;
  } finally {
    await executor.close();
  }
}
