/** One evaluation, from its options to its answer: made ready, run, closed. */
import { availableParallelism } from "node:os";
import type { AnyEvaluation, Evaluation, PredictedCounts } from "./contracts/result.js";
import { openExecutor } from "./executors/registry.js";
import { type EvaluateInput, resolveOptions } from "./options.js";
import { type OpenExecutor, type PrepareHooks, prepare } from "./prepare.js";
import { type RunHooks, runPrepared } from "./run-prepared.js";

export type { EvaluationPlan, OpenExecutor } from "./prepare.js";
export type { Progress } from "./run-prepared.js";

/** Aborting the signal ends the run: `evaluate` then throws an IncompleteError with what was done. */
export interface EvaluateHooks extends PrepareHooks, RunHooks {}

/**
 * Evaluates a network over a labelled image set, in batches.
 *
 * @returns counts, accuracy, confusion matrix, timing and each image's predicted class
 * @throws UsageError, FileError, DatasetError or NetworkError where the input is at fault; no batch has then run
 * @throws RunError ERR_ENGINE_PEER where the engine is `onnx` and onnxruntime-node is not installed
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
  const beganAt = performance.now();
  const options = resolveOptions(input, availableParallelism());
  const prepared = await prepare(open, options, hooks);
  const { executor, pair, loadMs } = prepared;
  try {
    if (options.warm) await executor.warm();
    const slabs = pair.slabs(options.batchSize);
    return (await runPrepared(prepared, { slabs, beganAt, loadMs }, hooks)).evaluation;
  } finally {
    await executor.close();
  }
}
