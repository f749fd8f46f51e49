/** An evaluation that stays open: data, network and warm workers serve run after run. */

import { constants } from "node:buffer";
import { availableParallelism, totalmem } from "node:os";
import { constrainedMemory } from "node:process";
import { checkedKeys, type KindsOf, without } from "#src/base/arguments.js";
import { imageBytes } from "#src/base/contracts/dataset.js";
import type { AnyEvaluation, Evaluation, PredictedCounts } from "#src/base/contracts/result.js";
import { SILENT } from "#src/base/contracts/run.js";
import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "#src/base/errors.js";
import type { NumberLike } from "#src/base/options/define.js";
import { RUN_OPTIONS } from "#src/base/options/run.js";
import { checkedValue } from "#src/base/options/values.js";
import { answerBytes, NOT_PREDICTED, type Slab, slabBytes, streamOf } from "#src/base/slab.js";
import type { TaskSize } from "#src/pool/plan.js";
import { openExecutor } from "#src/pool/registry.js";
import { EVALUATE, PREPARE_HOOKS, RUN_HOOKS } from "./known-arguments.js";
import { type RunHooks, runListener } from "./listeners.js";
import { LocalRunner, type OpenExecutor } from "./local-runner.js";
import type { AnyPair } from "./open-inputs.js";
import { type EvaluateInput, resolveOptions } from "./options.js";
import { type Prepared, type PrepareHooks, prepare } from "./prepare.js";
import type { Outcome } from "./runner.js";
import { evaluationOf } from "./summarize.js";

/** Options of one run. */
export interface EvaluatorRun extends RunHooks {
  /** Images per batch, from 1. Default: that of the evaluator. */
  readonly batchSize?: NumberLike | undefined;
}

/** Options of `evaluate` without `warm` and `resume`. */
export type EvaluatorInput = Omit<EvaluateInput, "warm" | "resume">;

const OPTIONS: KindsOf<EvaluatorInput> = without(EVALUATE, "warm", "resume");
const RUN: KindsOf<EvaluatorRun> = { ...RUN_HOOKS, batchSize: EVALUATE.batchSize };

/** Data, network and workers that are kept from run to run. */
export interface Evaluator<Answer extends AnyEvaluation = Evaluation> {
  /**
   * Evaluates all images again. Concurrent calls run one after the other.
   *
   * `timing.loadMs` is the time of loading in the first result, and 0 in later results.
   *
   * @throws UsageError ERR_EVALUATOR_CLOSED after `close`; ERR_OPTION_VALUE for a batch size
   * @throws IncompleteError as `evaluate`; the evaluator can then still be used
   */
  run(options?: EvaluatorRun): Promise<Answer>;
  /** Ends the workers after all requested runs have ended. */
  close(): Promise<void>;
}

/**
 * Opens an evaluator. When the promise is fulfilled, the images (by `offset` and `limit`) and the network are in shared memory,
 * and all workers are ready. At most one worker per batch is started. The caller must close the evaluator, because workers
 * keep the process alive.
 *
 * @throws UsageError, FileError, DatasetError, NetworkError or TransferError as `evaluate`
 * @throws UsageError ERR_MEMORY for a set larger than memory, before a pixel is read
 * @throws RunError ERR_ENGINE_PEER as `evaluate`; ERR_WORKER_LOAD if a worker cannot be started
 */
export function openEvaluator(
  input: EvaluatorInput & { readonly labels: false },
  hooks?: PrepareHooks,
): Promise<Evaluator<Evaluation<PredictedCounts>>>;
export function openEvaluator(
  input?: EvaluatorInput & { readonly labels?: string | undefined },
  hooks?: PrepareHooks,
): Promise<Evaluator>;
export function openEvaluator(
  input?: EvaluatorInput,
  hooks?: PrepareHooks,
): Promise<Evaluator<AnyEvaluation>>;
export async function openEvaluator(
  input?: EvaluateInput,
  hooks?: PrepareHooks,
): Promise<Evaluator<AnyEvaluation>> {
  const { run, close } = await openEvaluatorWith(
    openExecutor,
    checkedKeys<EvaluatorInput>("openEvaluator", "option", input, OPTIONS),
    checkedKeys("openEvaluator", "hook", hooks, PREPARE_HOOKS),
  );
  return {
    run: async (options) => (await run(checkedKeys("run", "option", options, RUN))).evaluation,
    close,
  };
}

/** An evaluation, and what its run measured. */
export interface FinishedRun {
  readonly evaluation: AnyEvaluation;
  readonly outcome: Outcome;
}

/** An evaluator that also returns the times from which its evaluations are made. */
export interface OpenEvaluator {
  run(options?: EvaluatorRun & { readonly taskSize?: TaskSize }): Promise<FinishedRun>;
  close(): Promise<void>;
}

/** `openEvaluator` with executors from the caller, for checked arguments. */
export async function openEvaluatorWith(
  open: OpenExecutor,
  input: EvaluateInput,
  hooks: PrepareHooks = {},
): Promise<OpenEvaluator> {
  const beganAt = performance.now();
  const options = resolveOptions({ ...input, warm: true, resume: undefined }, availableParallelism());
  const runner = new LocalRunner(open);
  let prepared: Prepared;
  let slabs: readonly Slab[];
  try {
    prepared = await prepare(runner, options, hooks);
    hooks.onStart?.(prepared.plan);
    slabs = await loadWhole(prepared.work.pair, options.probabilities);
    await runner.warm();
  } catch (error) {
    await runner.close();
    throw error;
  }
  const { work } = prepared;
  let openingMs = performance.now() - beganAt;
  let { loadMs } = prepared;
  let lastRun: Promise<unknown> = Promise.resolve();
  let closed = false;

  async function runNow(run: EvaluatorRun & { readonly taskSize?: TaskSize }): Promise<FinishedRun> {
    const batchSize = checkedValue(RUN_OPTIONS.batchSize, run.batchSize ?? options.batchSize);
    for (const { predictions } of slabs) predictions.fill(NOT_PREDICTED);
    const times = { beganAt: performance.now() - openingMs, loadMs };
    openingMs = 0;
    loadMs = 0;
    const { taskSize, signal = new AbortController().signal, log = SILENT } = run;
    const again = {
      ...work,
      options: { ...options, batchSize },
      slabs: streamOf(slabs),
      taskSize,
      signal,
      log,
    };
    const outcome = await runner.run(again, [runListener(run)]);
    return { evaluation: await evaluationOf(again, outcome, times), outcome };
  }

  return {
    async run(run = {}) {
      if (closed) throw new UsageError("ERR_EVALUATOR_CLOSED", {});
      const answer = lastRun.then(() => runNow(run));
      lastRun = answer.catch(() => {});
      return answer;
    },
    async close() {
      closed = true;
      await lastRun;
      await runner.close();
    },
  };
}

/**
 * Reads all images into one slab, so that any batch size fits. The sizes are checked against memory before a pixel is read.
 *
 * @param probabilities whether probabilities are requested
 * @throws UsageError ERR_MEMORY, and all that the pair's slabs throw
 */
export async function loadWhole(pair: AnyPair, probabilities: boolean): Promise<Slab[]> {
  const {
    dataset: {
      facts: { name, shape },
    },
    range: { limit: count },
    classes,
  } = pair;
  const ownBytes = slabBytes({ count, inputs: imageBytes(shape) });
  // A run copies the workers' answers into its own memory.
  const bytesOfAnswers = probabilities
    ? answerBytes(count, classes) +
      count * (classes * Float64Array.BYTES_PER_ELEMENT + Uint16Array.BYTES_PER_ELEMENT)
    : 0;
  const facts = {
    what: `data set "${name}", ${grouped(count)} images at once`,
    bytes: ownBytes + bytesOfAnswers,
    option: "--limit, or use evaluate, which streams the images",
  };
  const { MAX_LENGTH } = constants;
  const mostBytes = Math.min(memoryBytes(), ownBytes > MAX_LENGTH ? MAX_LENGTH : Number.POSITIVE_INFINITY);
  if (facts.bytes > mostBytes) throw new UsageError("ERR_MEMORY", { ...facts, mostBytes });
  const slabs: Slab[] = [];
  try {
    for await (const slab of pair.slabs({ multiple: count, lanes: 1 })) slabs.push(slab);
  } catch (cause) {
    // The error of the slab would advise smaller batches.
    if (!(cause instanceof UsageError) || cause.code !== "ERR_MEMORY") throw cause;
    throw new UsageError("ERR_MEMORY", facts, { cause });
  }
  return slabs;
}

/** Memory of the machine, or of the part of it that this process may use, in bytes. */
function memoryBytes(): number {
  // 0 if the system sets no bound.
  return Math.min(totalmem(), constrainedMemory() || Number.POSITIVE_INFINITY);
}
