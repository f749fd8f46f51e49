/** One evaluation, from its options to its answer: prepare, run, close. */
import { availableParallelism } from "node:os";
import { IncompleteError } from "#src/base/abort.js";
import { checkedKeys, FUNCTION, type KindsOf } from "#src/base/arguments.js";
import type { AnyEvaluation, Evaluation, PredictedCounts, ResultCounts } from "#src/base/contracts/result.js";
import { SILENT } from "#src/base/contracts/run.js";
import { asError, RunError } from "#src/base/errors.js";
import { SLICE_OPTIONS } from "#src/base/options/answer.js";
import { EXECUTOR_OPTIONS } from "#src/base/options/redis.js";
import { assertTogether, EVALUATE_OPTIONS } from "#src/base/options/table.js";
import { checkedValue, kindsOf } from "#src/base/options/values.js";
import type { Slab } from "#src/base/slab.js";
import { openExecutor } from "#src/pool/registry.js";
import { EVALUATE, PREPARE_HOOKS, RUN_HOOKS } from "./known-arguments.js";
import { closeListeners, type Ending, type Listener, type RunHooks, runListener } from "./listeners.js";
import { localRunners, type OpenExecutor } from "./local-runner.js";
import { type EvaluateInput, type ExecutorInput, resolveOptions, type SliceInput } from "./options.js";
import { type Prepared, type PrepareHooks, prepare } from "./prepare.js";
import type { RunnerTable } from "./runner.js";
import { evaluationOf } from "./summarize.js";

export type { EvaluationPlan, Progress } from "./listeners.js";
export type { OpenExecutor } from "./local-runner.js";

/**
 * Hooks of `evaluate`. Aborting the signal ends the run: `evaluate` then throws an IncompleteError with what was done, or a
 * TransferError during a download.
 */
export interface EvaluateHooks extends PrepareHooks, RunHooks {
  /** Called if the journal could not be completed; the result is still valid. Default: the fault is thrown. */
  onJournalFault?(fault: Error): void;
}

/** Name of the default runner. */
export const LOCAL = "local";

const HOOKS: KindsOf<EvaluateHooks> = { ...PREPARE_HOOKS, ...RUN_HOOKS, onJournalFault: FUNCTION };

const ROWS = { ...EXECUTOR_OPTIONS, ...SLICE_OPTIONS };
const KINDS: KindsOf<EvaluateInput & ExecutorInput & SliceInput> = { ...EVALUATE, ...kindsOf(ROWS) };

/** Makes the library's `evaluate` of the runners that it may use. */
export function evaluateOn(runners: RunnerTable<EvaluateInput & ExecutorInput>) {
  /**
   * Evaluates a network over a labelled image set, in batches.
   *
   * @returns counts, accuracy, confusion matrix, timing and, for up to 2²⁰ images, the predicted class of each
   * @throws UsageError, FileError, DatasetError or NetworkError for a fault of the input, before an image is counted
   * @throws RunError ERR_ENGINE_PEER if the engine is `onnx` and onnxruntime-node is not installed; ERR_WORKER_LOAD if `warm` is
   *   requested and a worker cannot be started
   * @throws RunError ERR_QUEUE_PEER, ERR_REDIS_*, ERR_RUN_MISMATCH, ERR_RUN_CANCELLED for a run over Redis
   * @throws TransferError if a named data set or network could not be downloaded
   * @throws RunError ERR_JOURNAL_LOCKED, ERR_OUTPUT_WRITE, FileError ERR_JOURNAL_KIND, ERR_JOURNAL_DAMAGED, ERR_JOURNAL_RUN,
   *   ERR_JOURNAL_PREDICTIONS for a fault of the journal, or of the predictions file beside it
   * @throws IncompleteError if batches failed after their retries, no worker could be started, the signal was aborted, or
   *   damage was found in the data during the run
   */
  function evaluate(
    input: EvaluateInput & ExecutorInput & SliceInput & { readonly labels: false },
    hooks?: EvaluateHooks,
  ): Promise<Evaluation<PredictedCounts>>;
  function evaluate(
    input?: EvaluateInput & ExecutorInput & SliceInput & { readonly labels?: string | undefined },
    hooks?: EvaluateHooks,
  ): Promise<Evaluation>;
  function evaluate(
    input?: EvaluateInput & ExecutorInput & SliceInput,
    hooks?: EvaluateHooks,
  ): Promise<AnyEvaluation>;
  async function evaluate(
    given?: EvaluateInput & ExecutorInput & SliceInput,
    hooks?: EvaluateHooks,
  ): Promise<AnyEvaluation> {
    const input = checkedKeys("evaluate", "option", given, KINDS);
    const checkedHooks = checkedKeys("evaluate", "hook", hooks, HOOKS);
    const { executor } = EXECUTOR_OPTIONS;
    checkedValue(executor, input.executor ?? executor.default);
    assertTogether({ ...EVALUATE_OPTIONS, ...ROWS }, { ...input });
    return evaluateBy(runners, input, checkedHooks);
  }
  return evaluate;
}

/** The library's `evaluate` on this machine alone. */
export const evaluate = evaluateOn(new Map([[LOCAL, localRunners(openExecutor)]]));

/** `evaluate` with executors from the caller, for checked arguments. */
export async function evaluateWith(
  open: OpenExecutor,
  input: EvaluateInput,
  hooks: EvaluateHooks = {},
): Promise<AnyEvaluation> {
  return evaluateBy(new Map([[LOCAL, localRunners(open)]]), input, hooks);
}

async function evaluateBy<Input extends EvaluateInput>(
  runners: RunnerTable<Input>,
  input: Input & SliceInput & { readonly executor?: string | undefined },
  hooks: EvaluateHooks,
): Promise<AnyEvaluation> {
  const listener: Listener = { begin: (plan) => hooks.onStart?.(plan), ...runListener(hooks) };
  const isSliced = input.where !== undefined || input.groups !== undefined;
  const slices = isSliced ? await (await import("./slices.js")).sliced(input, [listener]) : undefined;
  const { evaluation, failure, faults } = await evaluateListened(
    runners,
    { ...input, ...(slices?.groupColumn !== undefined && { groupColumn: slices.groupColumn }) },
    slices?.listeners ?? [listener],
    hooks,
  );
  const [fault] = faults;
  // A run with slices has no journal.
  if (fault !== undefined && slices !== undefined) throw fault;
  if (fault !== undefined) hooks.onJournalFault?.(fault);
  if (failure !== undefined) throw failure;
  if (fault !== undefined && hooks.onJournalFault === undefined) throw fault;
  return evaluation;
}

/** How an evaluation ended that counted at least the images of `evaluation`. */
export interface Evaluated extends Ending {
  readonly evaluation: AnyEvaluation;
  readonly failure: IncompleteError | undefined;
}

/**
 * Evaluates with one of the runners, and calls the listeners.
 *
 * @throws all that `evaluate` throws, except IncompleteError: it becomes the `failure` of a partial evaluation
 */
export async function evaluateListened<Input extends EvaluateInput>(
  runners: RunnerTable<Input>,
  input: Input & { readonly executor?: string | undefined },
  listeners: readonly Listener[],
  hooks: Omit<PrepareHooks, "onStart"> = {},
): Promise<Evaluated> {
  const beganAt = performance.now();
  let closable = listeners;
  let result: Parameters<typeof closeListeners>[1];
  try {
    const { signal = new AbortController().signal, log = SILENT } = hooks;
    const executor = input.executor ?? LOCAL;
    const opened = await runners.get(executor)?.(input, { ...hooks, signal, log });
    if (opened === undefined)
      throw new RunError("ERR_INTERNAL", { problem: `no runner is called ${executor}` });
    const { runner } = opened;
    let prepared: Prepared | undefined;
    try {
      const options = resolveOptions(opened.input, availableParallelism());
      prepared = await prepare(runner, options, { ...hooks, signal, log });
      const { work, plan, loadMs } = prepared;
      // The journal ends first: what it records must be on disk before the other files get their names.
      if (work.resumption !== undefined) closable = [work.resumption, ...listeners];
      for (const listener of listeners) await listener.begin?.(plan);
      if (options.warm) await runner.warm();
      const outcome = await runner.run(work, closable);
      result = { evaluation: await evaluationOf(work, outcome, { beganAt, loadMs }) };
    } finally {
      await prepared?.work.pair.end();
      await runner.close();
    }
  } catch (error) {
    result = { failure: asError(error) };
  }
  const { evaluation, failure, ...closed } = await closeListeners(closable, result);
  if (evaluation !== undefined && (failure === undefined || failure instanceof IncompleteError)) {
    return { ...closed, evaluation, failure };
  }
  throw failure;
}

/** Images below which there is no hint. */
const LEAST_IMAGES = 200;
/** Images whose pixels are read: the first of the run. */
const LOOKED_AT = 32;
const BRIGHT = 128;
const MOST_PREDICTIONS = 0.9;
const LEAST_LABELS = 0.5;
/** Accuracy above which the pictures count as read correctly. */
const HIGH_ACCURACY = 0.9;

/**
 * The hint in one line; undefined if nothing looks wrong.
 *
 * @param brightness of the first images; undefined where other hosts read them
 */
export function hintOf({ result, run }: AnyEvaluation, brightness?: Brightness): string | undefined {
  if (result.total < LEAST_IMAGES) return undefined;
  const { isDark, isBright } = brightness ?? { isDark: false, isBright: false };
  const reasons = [
    ...(result.labelled ? reasonsOf(result) : []),
    ...(isDark && run.normalize !== "none"
      ? ["no pixel exceeds 1, so that pixels ÷ 255 are nearly black"]
      : []),
    ...(isBright && !(result.labelled && result.accuracy > HIGH_ACCURACY)
      ? ["most pixels are bright, as in inverted pictures"]
      : []),
  ];
  return reasons.length === 0
    ? undefined
    : `${reasons.join("; ")}; batchwise diagnose with the same data and weights tries other readings`;
}

function reasonsOf({ confusionMatrix, confidenceInterval95, accuracy, total }: ResultCounts): string[] {
  const reasons: string[] = [];
  const labels = confusionMatrix.map((row) => row.reduce((a, b) => a + b, 0));
  const chance = Math.max(1 / confusionMatrix.length, Math.max(...labels) / total);
  if (confidenceInterval95[0] <= chance) {
    reasons.push(`accuracy ${accuracy.toFixed(4)} is no better than chance (${chance.toFixed(4)})`);
  }
  const predictions = confusionMatrix.map((_, column) =>
    confusionMatrix.reduce((sum, row) => sum + row[column]!, 0),
  );
  const most = predictions.findIndex((images) => images > MOST_PREDICTIONS * total);
  if (most >= 0 && labels[most]! < LEAST_LABELS * total) {
    const percent = (images: number) => `${Math.round((100 * images) / total)} %`;
    reasons.push(
      `class ${most} has ${percent(predictions[most]!)} of the predictions and ${percent(labels[most]!)} of the labels`,
    );
  }
  return reasons;
}

/** How bright the first images of a run are. */
export interface Brightness {
  /** No pixel exceeds 1. */
  readonly isDark: boolean;
  /** More than half of the pixels are at least 128. */
  readonly isBright: boolean;
}

/** Looks at the first 32 images of the slab, or at all if there are fewer. */
export function brightnessOf({ pixels: all, inputs }: Pick<Slab, "pixels" | "inputs">): Brightness {
  const pixels = all.subarray(0, LOOKED_AT * inputs);
  let [bright, largest] = [0, 0];
  for (let n = 0; n < pixels.length; n++) {
    const pixel = pixels[n]!;
    if (pixel >= BRIGHT) bright++;
    if (pixel > largest) largest = pixel;
  }
  return { isDark: largest <= 1, isBright: bright > pixels.length / 2 };
}
