/** The coordinator: hands tasks to an executor, merges answers by batch id, runs failed batches again. */

import { setMaxListeners } from "node:events";
import type { Batch, BatchAnswer, Executor, TaskResult } from "#src/base/contracts/executor.js";
import type { Log } from "#src/base/contracts/run.js";
import { NetworkError, RunError } from "#src/base/errors.js";
import type { Slab, SlabStream } from "#src/base/slab.js";
import type { Tally } from "#src/metrics/tally.js";
import { createHandover, type HandoverHooks, type OnSlab } from "./handover.js";
import {
  batchAt,
  batchesLeftBy,
  isAllClaimed,
  type PlannedTask,
  planTasks,
  prefetch,
  spanOf,
  type TaskPlan,
  taskOf,
} from "./plan.js";

export interface BatchesRequest {
  readonly slabs: SlabStream;
  readonly executor: Executor;
  readonly batchSize: number;
  readonly totalBatches: number;
  readonly taskPlan: TaskPlan;
  /** Number of consecutive slabs that have the same images, one per network; their tasks take turns. Default 1. */
  readonly networks?: number | undefined;
  /** Most further attempts of a batch. */
  readonly retries: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Names, for messages, the network that answers for a slab. */
  networkOf(slab: Slab): string;
  /** What a slab's batches are counted by: one for each network. */
  tallyOf(slab: Slab): Tally;
  /** Once a batch, whatever its attempts. */
  onMerged?(merged: MergedBatch): void;
  /** Slab by slab in their order, when all of a slab is merged; the slab is not used again before the end of it. */
  readonly onSlab?: OnSlab | undefined;
  /** Where slabs are handed on in parts, of at least so many images. */
  readonly partImages?: number | undefined;
}

export interface MergedBatch {
  readonly slab: Slab;
  readonly batch: Batch;
  readonly answer: BatchAnswer;
  readonly thread: number;
}

export interface BatchesOutcome {
  readonly batches: number;
  readonly retries: number;
  readonly recomputed: number;
  readonly batchesByThread: readonly number[];
  /** Duration of each forward pass, in milliseconds; an even sample of very many. */
  readonly latenciesMs: Float64Array;
  /** Duration of each task from its dispatch to its answer, in milliseconds; an even sample of very many. */
  readonly roundTripsMs: Float64Array;
  /** When the first batch was dispatched, in the absolute time of the answers. */
  readonly beganAtMs: number;
  readonly evaluateMs: number;
  /** Why the counts are not whole; undefined where they are, or the signal was aborted. */
  readonly failure: unknown;
}

interface Attempt extends PlannedTask {
  /** From 1. */
  readonly number: number;
}

export async function runBatches(request: BatchesRequest): Promise<BatchesOutcome> {
  const { slabs, executor, batchSize, retries: maxRetries, signal, log, onSlab } = request;
  const hooks: HandoverHooks = {
    onSlab,
    partImages: request.partImages,
    onFault(error) {
      fatal ??= error;
    },
    onDone: (slab) => slabs.release(slab),
  };
  // As many slabs are out as lanes have tasks of, and the one that is being cut.
  const handover = createHandover(hooks, executor.capacity);
  // Lanes that come when all of a task is claimed leave it out.
  const planned = prefetch(
    planTasks(handover.watch(slabs), batchSize, request.totalBatches, request.taskPlan, request.networks),
    ({ task: { sharing } }) => sharing === undefined || !isAllClaimed(sharing),
  );
  const again: Attempt[] = [];
  const batchesByThread: number[] = [];
  const latencies = createDurationSample(request.totalBatches);
  const roundTrips = createDurationSample(request.totalBatches);
  let retries = 0;
  let recomputed = 0;
  let failedBatches = 0;
  let firstFailure: { attempt: Attempt; error: unknown } | undefined;
  let fatal: unknown;
  /** The first image with a logit that is NaN, among the batches that were under way. */
  let firstNan: { readonly slab: Slab; readonly image: number } | undefined;
  const isOver = () => fatal !== undefined || firstNan !== undefined || signal.aborted;
  const beganAt = performance.now();
  let mergedAt = beganAt;

  function merge({ slab, task }: PlannedTask, { answers, thread }: TaskResult): void {
    for (const answer of answers) {
      const batch = batchAt(task.batches, answer.id - task.batches.firstId);
      if (answer.nanImage !== undefined) {
        if (firstNan === undefined || answer.nanImage < firstNan.image) {
          firstNan = { slab, image: answer.nanImage };
        }
        handover.settle(slab, batch, false);
        continue;
      }
      if (!request.tallyOf(slab).add(slab, batch)) continue;
      batchesByThread[thread] = (batchesByThread[thread] ?? 0) + 1;
      latencies.add(answer.elapsedMs);
      recomputed += answer.recomputed;
      request.onMerged?.({ slab, batch, answer, thread });
      handover.settle(slab, batch, true);
    }
    mergedAt = performance.now();
  }

  /** A task's batches go on one by one, so that a poisonous one takes no other with it. */
  function retryOrGiveUp(attempt: Attempt, error: unknown): void {
    const { slab, task, number } = attempt;
    const batches = batchesLeftBy(task);
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ batches: batches.map(({ id }) => id), attempt: number, reason }, "a task failed");
    if (number <= maxRetries) {
      retries += batches.length;
      for (const batch of batches) {
        again.push({ slab, task: taskOf(slab, spanOf(batch)), number: number + 1 });
      }
      return;
    }
    failedBatches += batches.length;
    for (const batch of batches) handover.settle(slab, batch, false);
    firstFailure ??= { attempt, error };
    // Where nothing has gone right yet, the rest would only take its time to fail too.
    if (latencies.count === 0) fatal = failureOf(firstFailure.attempt, firstFailure.error, failedBatches);
  }

  /** One of `capacity` lines of work side by side; each has one task under way. */
  async function workLane(): Promise<void> {
    while (!isOver()) {
      const attempt = again.shift() ?? firstAttempt(await planned.next());
      if (attempt === undefined) return;
      const issuedAt = performance.now();
      let answer: TaskResult;
      try {
        answer = await executor.run(attempt.task, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof RunError && error.code === "ERR_WORKER_LOAD") fatal = error;
        else retryOrGiveUp(attempt, error);
        continue;
      }
      roundTrips.add(performance.now() - issuedAt);
      // What a listener throws here is no fault of the task's, which would not be merged again: it ends the run.
      merge(attempt, answer);
    }
  }

  function nanFault(): NetworkError | undefined {
    if (firstNan === undefined) return undefined;
    const { slab, image } = firstNan;
    return new NetworkError("ERR_LOGITS_NAN", { path: request.networkOf(slab), image });
  }

  // Each task under way listens, twice where its worker was ended for what it did to the task before.
  setMaxListeners(2 * executor.capacity + 1, signal);
  const lanes = Array.from({ length: executor.capacity }, workLane);
  await Promise.all(
    lanes.map(async (lane) => {
      await lane.catch((error: unknown) => (fatal ??= error));
      // The other lanes may wait for a slab that never will be whole.
      if (!isOver()) return;
      handover.stop();
      slabs.stop();
    }),
  );
  await handover.finished();
  // What the slabs are read from is closed, also where not all were asked for.
  await planned.end();

  return {
    batches: latencies.count,
    retries,
    recomputed,
    batchesByThread: Array.from(
      { length: executor.capacity + 1 },
      (_, thread) => batchesByThread[thread] ?? 0,
    ),
    latenciesMs: latencies.keptMs,
    roundTripsMs: roundTrips.keptMs,
    beganAtMs: performance.timeOrigin + beganAt,
    evaluateMs: mergedAt - beganAt,
    failure:
      fatal ??
      nanFault() ??
      (firstFailure && failureOf(firstFailure.attempt, firstFailure.error, failedBatches)),
  };
}

function firstAttempt(planned: PlannedTask | undefined): Attempt | undefined {
  return planned && { ...planned, number: 1 };
}

function failureOf({ slab, task, number }: Attempt, cause: unknown, failedBatches: number): RunError {
  const { firstId, start, images } = task.batches;
  return new RunError(
    "ERR_BATCH_FAILED",
    {
      batch: firstId,
      firstImage: slab.firstImage + start,
      lastImage: slab.firstImage + start + images - 1,
      attempts: number,
      failedBatches,
      reason: cause instanceof Error ? cause.message : String(cause),
    },
    { cause },
  );
}

/** Durations of which there may be millions, in bounded memory. */

/** Half of them still leave more than 300 above the 99th percentile. */
const MOST_KEPT = 65_536;
const FEWEST_KEPT = 1024;

export interface DurationSample {
  /** Added so far. */
  readonly count: number;
  /** In the order in which they came: all while there is room for them, then every second, every fourth and so on. */
  readonly keptMs: Float64Array;
  add(elapsedMs: number): void;
}

/** @param expected how many will be added about; there is room for so many, 65,536 at most, taken at once: a list would be copied as it grows */
export function createDurationSample(expected: number): DurationSample {
  const values = new Float64Array(Math.min(Math.max(expected, FEWEST_KEPT), MOST_KEPT));
  let kept = 0;
  let count = 0;
  /** The values kept are those whose place is a multiple of it. */
  let every = 1;

  function thinOut(): void {
    kept = Math.ceil(kept / 2);
    for (let n = 0; n < kept; n++) values[n] = values[2 * n]!;
    every *= 2;
  }

  return {
    get count() {
      return count;
    },
    get keptMs() {
      return values.subarray(0, kept);
    },
    add(elapsedMs) {
      const place = count++;
      if (kept === values.length) thinOut();
      if (place % every === 0) values[kept++] = elapsedMs;
    },
  };
}
