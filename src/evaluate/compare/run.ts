/** Evaluates the networks of a comparison in one pass over the data and in one pool; their tasks take turns. */

import { interruption } from "#src/base/abort.js";
import type { ComparisonRun } from "#src/base/contracts/comparison.js";
import { type Log, SILENT } from "#src/base/contracts/run.js";
import { RunError } from "#src/base/errors.js";
import { withAnswerBuffers } from "#src/base/slab.js";
import { rounded } from "#src/base/text.js";
import type { Progress } from "#src/evaluate/listeners.js";
import type { AnyPair } from "#src/evaluate/open-inputs.js";
import type { EvaluateOptions } from "#src/evaluate/options.js";
import { createTally } from "#src/metrics/tally.js";
import { engineSource } from "#src/networks/images.js";
import { taskPlanFor } from "#src/pool/plan.js";
import type { openSharedExecutor } from "#src/pool/registry.js";
import { runBatches } from "#src/pool/run-batches.js";
import { assertSameLabels, type ResultSide } from "./read-side.js";
import type { PairedAnswers } from "./summary.js";

export type OpenSharedExecutor = typeof openSharedExecutor;

export interface CompareRunHooks {
  /** Aborting ends the run. The images that both networks have answered are compared. */
  readonly signal?: AbortSignal;
  /** Called once per batch. Images count once per network. */
  onProgress?(progress: Progress): void;
  /** Default silent. */
  readonly log?: Log;
}

export interface CompareRun {
  readonly run: ComparisonRun;
  readonly evaluateMs: number;
  /** Why images are missing; undefined if none is. */
  readonly failure: RunError | undefined;
}

/** Each side that is evaluated: its place (0 is A, 1 is B), and its network with the data. */
export type EvaluatedSides = readonly { readonly side: number; readonly pair: AnyPair }[];

export interface GatheredAnswers {
  readonly answers: PairedAnswers;
  /** The other side, if it is a result; the answers have its labels already. */
  readonly labelsFrom: ResultSide | undefined;
}

/** Writes answers and labels into `answers`. Failed batches and interruptions are returned; other faults are thrown. */
export async function evaluateSides(
  open: OpenSharedExecutor,
  options: EvaluateOptions,
  sides: EvaluatedSides,
  { answers, labelsFrom }: GatheredAnswers,
  { signal = new AbortController().signal, onProgress, log = SILENT }: CompareRunHooks,
): Promise<CompareRun> {
  const { engine, threads, batchSize, retries } = options;
  const { range } = sides[0]!.pair;
  const totalBatches = Math.ceil(range.limit / batchSize) * sides.length;
  const totalImages = range.limit * sides.length;
  const executor = await open(
    options,
    await Promise.all(
      sides.map(async ({ pair }) => ({ engine, source: await engineSource(pair.network, signal) })),
    ),
    { images: totalImages, tasks: totalBatches },
  );
  try {
    if (options.warm) await executor.warm();
    const tallies = sides.map(({ pair }) => createTally(pair.classes));
    // Labels must be within the classes of every network.
    const { pair: narrowest } = sides.reduce((a, b) => (b.pair.classes < a.pair.classes ? b : a));
    let doneImages = 0;
    const outcome = await runBatches({
      slabs: withAnswerBuffers(
        narrowest.slabs({ multiple: batchSize, lanes: executor.capacity }),
        sides.map((_, source) => ({ source, classes: 0 })),
      ),
      executor,
      batchSize,
      totalBatches,
      taskPlan: taskPlanFor(engine, executor),
      // Tasks take turns, so that after an interruption both networks have answered nearly the same images.
      networkCount: sides.length,
      retries,
      signal,
      log,
      networkOf: ({ source }) => sides[source]!.pair.network.name,
      tallyOf: ({ source }) => tallies[source]!,
      onMerged({ slab, batch: { start, count } }) {
        const place = slab.firstImage + start - range.offset;
        const labels = slab.labels.subarray(start, start + count);
        if (labelsFrom === undefined) answers.labels.set(labels, place);
        else assertSameLabels(labelsFrom, answers.labels, labels, place);
        answers.predictions[sides[slab.source]!.side]!.set(
          slab.predictions.subarray(start, start + count),
          place,
        );
        doneImages += count;
        onProgress?.({ doneImages, totalImages });
      },
    });
    const failure = signal.aborted ? interruption(signal, doneImages, totalImages) : outcome.failure;
    if (failure !== undefined && !(failure instanceof RunError)) throw failure;
    const { workersStarted, fallbacks = [] } = executor;
    const fallbackOf = (place: number) => fallbacks[sides.findIndex(({ side }) => side === place)] ?? null;
    const run = {
      ...{ engine, threads, workersStarted, batchSize, retries: outcome.retries },
      recomputed: outcome.recomputed,
      fallbacks: { a: fallbackOf(0), b: fallbackOf(1) },
    };
    return { run, evaluateMs: rounded(outcome.evaluateMs), failure };
  } finally {
    await executor.close();
  }
}
