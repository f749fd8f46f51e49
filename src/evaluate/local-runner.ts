/** The runner of this machine: this thread, or a pool of workers. */
import { interruption } from "#src/base/abort.js";
import type { EngineSource } from "#src/base/contracts/engine.js";
import type { Executor } from "#src/base/contracts/executor.js";
import { RunError } from "#src/base/errors.js";
import { allocateEntries, chainSlabs, type SlabStream } from "#src/base/slab.js";
import { createTally, partialOf, scoreSumsOf } from "#src/metrics/tally.js";
import { engineSource } from "#src/networks/images.js";
import type { OnSlab } from "#src/pool/handover.js";
import { batchesIn, taskPlanFor } from "#src/pool/plan.js";
import type { Workload } from "#src/pool/registry.js";
import { type MergedBatch, runBatches } from "#src/pool/run-batches.js";
import type { CollectedScores } from "./collect-scores.js";
import type { Listener } from "./listeners.js";
import type { EvaluateOptions } from "./options.js";
import type { OpenRunner, Outcome, Runner, Work } from "./runner.js";

export type OpenExecutor = (
  options: EvaluateOptions,
  source: EngineSource,
  work: Workload,
) => Promise<Executor>;

/** A run with a journal hands on parts of slabs of this many images, so that a kill costs little of its predictions. */
const RESUMED_PART_IMAGES = 1024;
/** Most predictions, and most probabilities, that an outcome has. Without labels it has all predictions. */
const MOST_KEPT = 2 ** 20;

/** Opens runners over executors of the given kind. */
export function localRunners(open: OpenExecutor): OpenRunner {
  return async (input) => ({ runner: new LocalRunner(open, { readsAhead: true }), input });
}

export interface LocalRunnerOptions {
  /** True for a single run, of all images that are left. Default: false. */
  readonly readsAhead?: boolean | undefined;
}

export class LocalRunner implements Runner {
  readonly #open: OpenExecutor;
  readonly readsAhead: boolean;
  #executor: Executor | undefined;

  constructor(open: OpenExecutor, { readsAhead = false }: LocalRunnerOptions = {}) {
    this.#open = open;
    this.readsAhead = readsAhead;
  }

  /** Tasks that can be under way at once; 0 before `open`. */
  get capacity(): number {
    return this.#executor?.capacity ?? 0;
  }

  async open({ options, pair, resumption, signal }: Work): Promise<void> {
    const ranges = resumption?.gaps ?? [pair.range];
    const images = ranges.reduce((sum, { limit }) => sum + limit, 0);
    const tasks = batchesIn(ranges, options.batchSize);
    this.#executor =
      tasks === 0
        ? await idleExecutor()
        : await this.#open(options, await engineSource(pair.network, signal), {
            images,
            tasks,
            isDeflated: pair.dataset.facts.isDeflated,
          });
    // The first task throws what goes wrong here.
    this.#executor.warm().catch(() => {});
  }

  async warm(): Promise<void> {
    await this.#opened().warm();
  }

  async run(work: Work, listeners: readonly Listener[]): Promise<Outcome> {
    return runOn(this.#opened(), work, listeners);
  }

  async close(): Promise<void> {
    await this.#executor?.close();
  }

  #opened(): Executor {
    if (this.#executor !== undefined) return this.#executor;
    throw new RunError("ERR_INTERNAL", { problem: "a runner was used before it was opened" });
  }
}

/** For a run of which nothing is left to do. */
async function idleExecutor(): Promise<Executor> {
  return (await import("#src/pool/inline.js")).createInlineExecutor(async () => [], []);
}

/**
 * Runs the batches of the work on an executor that is open.
 *
 * @param source index of the network among those of the executor
 * @throws UsageError ERR_MEMORY where there is no memory for the answers
 */
export async function runOn(
  executor: Executor,
  work: Work,
  listeners: readonly Listener[],
  source = 0,
): Promise<Outcome> {
  const { options, pair, resumption, taskSize, signal, log } = work;
  const { range, classes, network } = pair;
  const { batchSize, engine, retries, threads } = options;
  const counted = resumption?.counted;
  const tally = createTally(classes, counted);
  const keepsPredictions = range.limit <= MOST_KEPT || pair.dataset.facts.labelsPath === undefined;
  const predictions = allocateEntries(Uint16Array, keepsPredictions ? range.limit : 0);
  const scores = options.probabilities ? await scoresOf(work) : undefined;
  const onMerged = mergedBy(listeners, () => ({ doneImages: tally.total, totalImages: range.limit }));
  const onSlab = slabsBy(listeners);
  const batches = await runBatches({
    slabs: slabsOf(work, executor.capacity),
    executor,
    batchSize,
    totalBatches: batchesIn(resumption?.gaps ?? [range], batchSize),
    taskPlan: taskSize ? { sizeOf: taskSize, lanes: 1 } : taskPlanFor(engine, executor),
    retries,
    signal,
    log,
    networkOf: () => network.name,
    tallyOf: () => tally,
    onMerged(merged) {
      if (keepsPredictions) {
        const { slab, batch } = merged;
        const first = slab.firstImage + batch.start - range.offset;
        predictions.set(slab.predictions.subarray(batch.start, batch.start + batch.count), first);
      }
      scores?.add(merged);
      onMerged(merged);
    },
    onSlab,
    partImages: resumption && RESUMED_PART_IMAGES,
  });
  log.info({ evaluateMs: batches.evaluateMs, retries: batches.retries }, "merged");
  const fallback = executor.fallbacks?.[source];
  return {
    counts: partialOf(tally, range, {
      scores: scores?.sums() ?? null,
      recomputed: batches.recomputed + (counted?.recomputed ?? 0),
    }),
    predictions,
    probabilities: scores?.probabilities ?? null,
    timeline: scores?.timeline(batches.beganAtMs) ?? [],
    run: {
      executor: threads === 0 ? "inline" : "local",
      threads,
      workersStarted: executor.workersStarted,
      batchesByThread: batches.batchesByThread,
      batches: batches.batches,
      retries: batches.retries,
      ...(fallback !== undefined && { fallback }),
    },
    evaluatedImages: tally.total - (counted?.total ?? 0),
    evaluateMs: batches.evaluateMs,
    startPoolMs: executor.startMs,
    latenciesMs: batches.latenciesMs,
    roundTripsMs: batches.roundTripsMs,
    failure: signal.aborted ? interruption(signal, tally.total, range.limit) : batches.failure,
  };
}

function slabsOf({ options, pair, resumption, slabs }: Work, lanes: number): SlabStream {
  if (slabs !== undefined) return slabs;
  const plan = { multiple: options.batchSize, lanes };
  return resumption === undefined
    ? pair.slabs(plan)
    : chainSlabs(resumption.gaps, (gap) => pair.slabs(plan, gap));
}

/** Calls those who listen to batches or progress. A batch pays only for listeners that there are. */
function mergedBy(
  listeners: readonly Listener[],
  progressNow: () => { readonly doneImages: number; readonly totalImages: number },
): (merged: MergedBatch) => void {
  const ofBatches = listeners.filter(({ merged }) => merged !== undefined);
  const ofProgress = listeners.filter(({ progress }) => progress !== undefined);
  return (merged) => {
    for (const listener of ofBatches) listener.merged?.(merged);
    if (ofProgress.length === 0) return;
    const progress = progressNow();
    for (const listener of ofProgress) listener.progress?.(progress);
  };
}

function slabsBy(listeners: readonly Listener[]): OnSlab | undefined {
  const ofSlabs = listeners.filter(({ slab }) => slab !== undefined);
  if (ofSlabs.length === 0) return undefined;
  return async (slab) => {
    for (const listener of ofSlabs) await listener.slab?.(slab);
  };
}

async function scoresOf({ pair: { range, classes }, resumption }: Work): Promise<CollectedScores> {
  const { collectScores } = await import("./collect-scores.js");
  const counted = resumption?.counted.scores;
  const keeps = range.limit * classes <= MOST_KEPT;
  return collectScores(range, classes, keeps, counted ? scoreSumsOf(counted) : undefined);
}
