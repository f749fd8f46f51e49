/** One run over what was made ready: batches out, answers in, one evaluation. */

import { IncompleteError, interruption } from "#src/base/abort.js";
import { allocateEntries } from "#src/base/allocate.js";
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { PartialCounts } from "#src/base/contracts/journal.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { type Log, SILENT } from "#src/base/contracts/run.js";
import { BatchwiseError, RunError } from "#src/base/errors.js";
import type { SlabStream } from "#src/base/slab.js";
import { createTally } from "#src/metrics/tally.js";
import type { OnSlab } from "#src/pool/handover.js";
import { batchesIn, type TaskSize, taskPlanFor } from "#src/pool/plan.js";
import { type BatchesOutcome, runBatches } from "#src/pool/run-batches.js";
import type { CollectedScores } from "./collect-scores.js";
import type { Listener, Progress } from "./listeners.js";
import type { Prepared } from "./prepare.js";
import { summarize } from "./summarize.js";

/** What a caller may hear of, and end, during a run. */
export interface RunHooks {
  /** Aborting ends the run, which then throws an IncompleteError with what was done. */
  readonly signal?: AbortSignal;
  /** Called once a batch, when its answer has been merged. What it throws ends the run. */
  onProgress?(progress: Progress): void;
  /**
   * Called slab by slab, in their order, when all images of a slab are answered, with pixels, labels, predictions and
   * (where asked for) probabilities; awaited before the slab may be used again. A slab of which batches failed is left
   * out. A run with `resume` hands on parts of a slab, of 1,024 images or more but for its last; a run that is ended early
   * hands on, of the slab under way, the images before the first that is missing. What it throws ends the run.
   */
  readonly onSlab?: OnSlab;
  /** Default silent. */
  readonly log?: Log;
}

/** The hooks as a listener; what nobody asks for is left out, so that no batch pays for it. */
export function runListener(hooks: Pick<RunHooks, "onProgress" | "onSlab">): Listener {
  const { onSlab } = hooks;
  return {
    ...(hooks.onProgress !== undefined && { progress: (progress) => hooks.onProgress?.(progress) }),
    ...(onSlab !== undefined && { slab: (slab) => onSlab(slab) }),
  };
}

/** How one run differs from the next over the same preparation. */
export interface RunPlan {
  readonly slabs: SlabStream;
  /** Index of the network among the executor's. Default 0. */
  readonly source?: number | undefined;
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

/** What is written in order is written so often that a kill costs little of it. */
const RESUMED_PART_IMAGES = 1024;

/** Most predictions, and most probabilities, that an evaluation carries in memory. Without labels it carries all predictions. */
const MOST_KEPT = 2 ** 20;

/**
 * @throws IncompleteError where batches failed after their retries, or the signal was aborted
 * @throws UsageError ERR_MEMORY where there is no room for the answers
 */
export async function runPrepared(
  { options, pair, executor, resumption }: Omit<Prepared, "loadMs" | "plan">,
  { slabs, source = 0, beganAt, loadMs, taskSize }: RunPlan,
  listeners: readonly Listener[],
  { signal = new AbortController().signal, log = SILENT }: Pick<RunHooks, "signal" | "log">,
): Promise<FinishedRun> {
  const { range, classes } = pair;
  const { batchSize, engine, retries } = options;
  const totalImages = range.limit;
  const counted = resumption?.counted;
  const tally = createTally(classes, counted);
  const keepsPredictions = totalImages <= MOST_KEPT || pair.dataset.facts.labelsPath === undefined;
  const predictions = allocateEntries(Uint16Array, keepsPredictions ? totalImages : 0);
  const keepsScores = totalImages * classes <= MOST_KEPT;
  const mergedListeners = listeners.filter(({ merged }) => merged !== undefined);
  const progressListeners = listeners.filter(({ progress }) => progress !== undefined);
  const slabListeners = listeners.filter(({ slab }) => slab !== undefined);
  const scores = options.probabilities ? await scoresOf(range, classes, keepsScores, counted) : undefined;
  const outcome = await runBatches({
    slabs,
    executor,
    batchSize,
    totalBatches: batchesIn(resumption?.gaps ?? [range], batchSize),
    taskPlan: taskSize ? { sizeOf: taskSize, lanes: 1 } : taskPlanFor(engine, executor),
    retries,
    signal,
    log,
    networkOf: () => pair.network.name,
    tallyOf: () => tally,
    onMerged(merged) {
      const { slab, batch } = merged;
      if (predictions.length > 0) {
        const first = slab.firstImage + batch.start - range.offset;
        predictions.set(slab.predictions.subarray(batch.start, batch.start + batch.count), first);
      }
      scores?.add(merged);
      for (const listener of mergedListeners) listener.merged?.(merged);
      if (progressListeners.length === 0) return;
      const progress = { doneImages: tally.total, totalImages };
      for (const listener of progressListeners) listener.progress?.(progress);
    },
    ...(slabListeners.length > 0 && {
      onSlab: async (slab) => {
        for (const listener of slabListeners) await listener.slab?.(slab);
      },
    }),
    partImages: resumption && RESUMED_PART_IMAGES,
  });
  log.info({ evaluateMs: outcome.evaluateMs, retries: outcome.retries }, "merged");
  const totalMs = performance.now() - beganAt;
  const fallback = executor.fallbacks?.[source];
  const record = {
    options,
    pair,
    executor,
    fallback,
    outcome,
    tally,
    predictions,
    scores,
    counted,
    loadMs,
    totalMs,
  };
  const evaluation = await summarize(record);
  if (signal.aborted) throw new IncompleteError(interruption(signal, tally.total, totalImages), evaluation);
  const { failure } = outcome;
  // Data may turn out to be at fault only when images before them are done.
  const isPartial = failure instanceof RunError || (failure instanceof BatchwiseError && tally.total > 0);
  if (isPartial) throw new IncompleteError(failure, evaluation);
  if (failure !== undefined) throw failure;
  return { evaluation, outcome };
}

async function scoresOf(
  range: ImageRange,
  classes: number,
  keeps: boolean,
  counted: PartialCounts | undefined,
): Promise<CollectedScores> {
  const [{ collectScores }, { scoreSumsOf }] = await Promise.all([
    import("./collect-scores.js"),
    import("#src/metrics/partial-counts.js"),
  ]);
  return collectScores(range, classes, keeps, counted?.scores ? scoreSumsOf(counted.scores) : undefined);
}
