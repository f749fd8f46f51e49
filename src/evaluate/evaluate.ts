/** One evaluation, from its options to its answer: made ready, run, closed. */
import { availableParallelism } from "node:os";
import { checkedKeys, FUNCTION, type KindsOf } from "#src/base/arguments.js";
import type { AnyEvaluation, Evaluation, PredictedCounts } from "#src/base/contracts/result.js";
import { ringOver } from "#src/base/ring.js";
import type { Slab, SlabRing } from "#src/base/slab.js";
import type { Resumption } from "#src/evaluate/journal/resume.js";
import { openExecutor } from "#src/pool/registry.js";
import { EVALUATE, PREPARE_HOOKS, RUN_HOOKS } from "./known-arguments.js";
import type { AnyPair } from "./open-inputs.js";
import { type EvaluateInput, resolveOptions } from "./options.js";
import { type OpenExecutor, type PrepareHooks, prepare } from "./prepare.js";
import { type RunHooks, runPrepared } from "./run-prepared.js";

export type { EvaluationPlan, OpenExecutor } from "./prepare.js";
export type { Progress } from "./run-prepared.js";

/**
 * Aborting the signal ends the run: `evaluate` then throws an IncompleteError with what was done, or, within a download, a
 * TransferError.
 */
export interface EvaluateHooks extends PrepareHooks, RunHooks {
  /** The journal could not be written to its end; the run has gone on to its answer. Default: thrown in its place. */
  onJournalFault?(fault: Error): void;
}

const HOOKS: KindsOf<EvaluateHooks> = { ...PREPARE_HOOKS, ...RUN_HOOKS, onJournalFault: FUNCTION };

/**
 * Evaluates a network over a labelled image set, in batches.
 *
 * @returns counts, accuracy, confusion matrix, timing and, of sets that memory holds, each image's predicted class
 * @throws UsageError, FileError, DatasetError or NetworkError where the input is at fault; no image has then been counted
 * @throws RunError ERR_ENGINE_PEER where the engine is `onnx` and onnxruntime-node is not installed; ERR_WORKER_LOAD where
 *   `warm` is asked for and a worker cannot be started
 * @throws TransferError where what was given by name could not be downloaded
 * @throws RunError ERR_JOURNAL_LOCKED, ERR_OUTPUT_WRITE, FileError ERR_JOURNAL_KIND, ERR_JOURNAL_DAMAGED, ERR_JOURNAL_RUN,
 *   ERR_JOURNAL_PREDICTIONS where the journal, or what is written beside it, is at fault
 * @throws IncompleteError where batches failed after their retries, no worker could be started, the signal was aborted, or
 *   data that are read while images are evaluated turned out to be damaged
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
export async function evaluate(input?: EvaluateInput, hooks?: EvaluateHooks): Promise<AnyEvaluation> {
  return evaluateWith(
    openExecutor,
    checkedKeys("evaluate", "option", input, EVALUATE),
    checkedKeys("evaluate", "hook", hooks, HOOKS),
  );
}

/** `evaluate` over an executor of the caller's choice, for arguments that were checked, or come from a command line. */
export async function evaluateWith(
  open: OpenExecutor,
  input: EvaluateInput,
  hooks: EvaluateHooks = {},
): Promise<AnyEvaluation> {
  const beganAt = performance.now();
  const options = resolveOptions(input, availableParallelism());
  const prepared = await prepare(open, options, hooks);
  const { executor, pair, loadMs, resumption } = prepared;
  let fault: Error | undefined;
  let evaluation: AnyEvaluation;
  try {
    if (options.warm) await executor.warm();
    const { batchSize } = options;
    const ring = ringOf(pair, resumption, batchSize, executor.capacity);
    const slabs = ring?.slabs ?? (resumption ? slabsOf(pair, resumption, batchSize) : pair.slabs(batchSize));
    ({ evaluation } = await runPrepared(prepared, { slabs, ring, beganAt, loadMs, resumption }, hooks));
  } finally {
    fault = await resumption?.close();
    await executor.close();
    if (fault !== undefined) hooks.onJournalFault?.(fault);
  }
  if (fault !== undefined && hooks.onJournalFault === undefined) throw fault;
  return evaluation;
}

function ringOf(
  { range, ring: open }: AnyPair,
  resumption: Resumption | undefined,
  multiple: number,
  lanes: number,
): SlabRing | undefined {
  return open && ringOver(resumption?.gaps ?? [range], (images) => open(multiple, lanes, images));
}

async function* slabsOf(pair: AnyPair, { gaps }: Resumption, multiple: number): AsyncGenerator<Slab> {
  for (const gap of gaps) yield* pair.slabs(multiple, gap);
}
