/** One run over what was made ready: batches out, answers in, one evaluation. */
import { type Log, SILENT } from "./contracts/log.js";
import type { AnyEvaluation } from "./contracts/result.js";
import { RunError } from "./errors.js";
import { IncompleteError, interruption } from "./incomplete.js";
import { createTally } from "./metrics/tally.js";
import type { Prepared } from "./prepare.js";
import { type BatchesOutcome, runBatches } from "./run-batches.js";
import type { OnSlab } from "./slabs/handover.js";
import type { TaskSize } from "./slabs/plan.js";
import type { Slab } from "./slabs/slab.js";
import { taskPlanFor } from "./slabs/task-size.js";
import { summarize } from "./summarize.js";

export interface RunHooks {
  /** Aborting ends the run, which then throws an IncompleteError with what was done. */
  readonly signal?: AbortSignal;
  onProgress?(progress: Progress): void;
  /**
   * Called slab by slab, in their order, when all images of a slab are answered, with pixels, labels, predictions and
   * (where asked for) probabilities; awaited before the slab may be used again. A slab of which batches failed is left
   * out. What it throws ends the run.
   */
  readonly onSlab?: OnSlab;
  /** Default silent. */
  readonly log?: Log;
}

export interface Progress {
  readonly doneImages: number;
  readonly totalImages: number;
}

/** How one run differs from the next over the same preparation. */
export interface RunPlan {
  readonly slabs: AsyncIterable<Slab>;
  /** When what `totalMs` tells began, and how much of it went into loading. */
  readonly beganAt: number;
  readonly loadMs: number;
  /** Of tasks that no two threads share. Default: as fits the engine. */
  readonly taskSize?: TaskSize;
}

export interface FinishedRun {
  readonly evaluation: AnyEvaluation;
  readonly outcome: BatchesOutcome;
}

/** @throws IncompleteError where batches failed after their retries, or the signal was aborted */
export async function runPrepared(
  { options, pair, executor }: Omit<Prepared, "loadMs">,
  { slabs, beganAt, loadMs, taskSize }: RunPlan,
  { signal = new AbortController().signal, onProgress, onSlab, log = SILENT }: RunHooks,
): Promise<FinishedRun> {
  const { range, classes } = pair;
  const { batchSize, engine, retries } = options;
  const totalImages = range.limit;
  const tally = createTally(classes);
  const predictions = new Uint16Array(totalImages);
  const scores = options.probabilities
    ? (await import("./collect-scores.js")).collectScores(range, classes)
    : undefined;
  const outcome = await runBatches({
    slabs,
    executor,
    batchSize,
    totalBatches: Math.ceil(totalImages / batchSize),
    taskPlan: taskSize ? { sizeOf: taskSize, lanes: 1 } : taskPlanFor(engine, executor.capacity),
    retries,
    signal,
    log,
    tallyOf: () => tally,
    onMerged(merged) {
      const { slab, batch } = merged;
      const first = slab.firstImage + batch.start - range.offset;
      predictions.set(slab.predictions.subarray(batch.start, batch.start + batch.count), first);
      scores?.add(merged);
      onProgress?.({ doneImages: tally.total, totalImages });
    },
    onSlab,
  });
  log.info({ evaluateMs: outcome.evaluateMs, retries: outcome.retries }, "merged");
  const totalMs = performance.now() - beganAt;
  const record = { options, pair, executor, outcome, tally, predictions, scores, loadMs, totalMs };
  const evaluation = await summarize(record);
  if (signal.aborted) throw new IncompleteError(interruption(signal, tally.total, totalImages), evaluation);
  if (outcome.failure instanceof RunError) throw new IncompleteError(outcome.failure, evaluation);
  if (outcome.failure !== undefined) throw outcome.failure;
  return { evaluation, outcome };
}
