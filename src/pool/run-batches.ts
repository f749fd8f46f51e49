/** The coordinator: hands tasks to an executor, merges answers by batch id, runs failed batches again. */

import { ownSignal } from "#src/base/abort.js";
import type { Batch, BatchAnswer, Executor, TaskResult } from "#src/base/contracts/executor.js";
import type { Log } from "#src/base/contracts/run.js";
import { asError, BatchwiseError, NetworkError, RunError, reasonOf } from "#src/base/errors.js";
import type { Slab, SlabStream } from "#src/base/slab.js";
import { createDurationSample, type DurationSample } from "#src/metrics/durations.js";
import type { Tally } from "#src/metrics/tally.js";
import { createHandover, type Handover, type HandoverHooks, type OnSlab } from "./handover.js";
import {
  batchAt,
  batchesLeftBy,
  isAllClaimed,
  type PlannedTask,
  type Prefetch,
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
  /** Number of networks. As many consecutive slabs have the same images, and their tasks take turns. Default: 1. */
  readonly networkCount?: number | undefined;
  /** Most further attempts of a batch. */
  readonly retries: number;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** The name, for messages, of the network that computes a slab. */
  networkOf(slab: Slab): string;
  /** The tally of the network that computes a slab. */
  tallyOf(slab: Slab): Tally;
  /** Called once per batch, however many attempts it took. */
  onMerged?(merged: MergedBatch): void;
  /** Called for each slab in order, once all of its batches are merged. The slab is filled again only after its promise is settled. */
  readonly onSlab?: OnSlab | undefined;
  /** Least number of images of the parts in which slabs are handed on. Default: whole slabs. */
  readonly partImages?: number | undefined;
}

export interface MergedBatch {
  readonly slab: Slab;
  readonly batch: Batch;
  readonly answer: BatchAnswer;
  /** 0 is the coordinator. Workers count from 1. */
  readonly thread: number;
}

export interface BatchesOutcome {
  readonly batches: number;
  readonly retries: number;
  /** Number of images that `simd` computed again in float64. */
  readonly recomputed: number;
  readonly batchesByThread: readonly number[];
  /** Duration of each forward pass, in milliseconds; an even sample of very many. */
  readonly latenciesMs: Float64Array;
  /** Duration of each task from its dispatch to its answer, in milliseconds; an even sample of very many. */
  readonly roundTripsMs: Float64Array;
  /** When the first batch was dispatched, in milliseconds since 1970. */
  readonly beganAtMs: number;
  readonly evaluateMs: number;
  /** Why the counts are not whole; undefined where they are, or the signal was aborted. */
  readonly failure: unknown;
}

interface Attempt extends PlannedTask {
  /** From 1. */
  readonly number: number;
}

/** Runs all batches of the slabs. Resolves also where the counts are not whole: `failure` then says why. */
export function runBatches(request: BatchesRequest): Promise<BatchesOutcome> {
  return new BatchesRun(request).run();
}

/**
 * - `running`: lanes take tasks.
 * - `stopping`: lanes take no more; answers under way are still merged.
 */
type State = "running" | "stopping";

/** One pass over the slabs. It has `capacity` lanes of work; each has one task under way. */
class BatchesRun {
  readonly #request: BatchesRequest;
  /** Each task under way listens to it. */
  readonly #signal: AbortSignal;
  readonly #handover: Handover;
  readonly #planned: Prefetch<PlannedTask>;
  /** Batches that failed and will run again, each as a task of its own. */
  readonly #retryQueue: Attempt[] = [];
  readonly #latencies: DurationSample;
  readonly #roundTrips: DurationSample;
  readonly #batchesByThread: number[];
  /** Time of the first dispatch. Until then the first slab is being read. */
  #beganAt: number | undefined;
  /** Time of the last merge. */
  #mergedAt: number | undefined;
  #state: State = "running";
  /** The error that ended the run. */
  #fatal: Error | undefined;
  /** Number of merged batches. */
  #batches = 0;
  #retries = 0;
  #recomputed = 0;
  #failedBatches = 0;
  /** The first batch that failed after all its attempts. */
  #firstFailure: { readonly attempt: Attempt; readonly error: unknown } | undefined;
  /** The first image with a logit that is NaN, among the batches that were under way. */
  #firstNan: { readonly slab: Slab; readonly image: number } | undefined;

  constructor(request: BatchesRequest) {
    const { slabs, executor, batchSize, totalBatches } = request;
    const hooks: HandoverHooks = {
      onSlab: request.onSlab,
      partImages: request.partImages,
      onFault: (error) => this.#stop(asError(error)),
      onDone: (slab) => slabs.release(slab),
    };
    this.#request = request;
    this.#signal = ownSignal(request.signal);
    // Slabs out at most: one per lane, and the one that is being cut into tasks.
    this.#handover = createHandover(hooks, executor.capacity);
    // Lanes skip their share of a task whose batches are all claimed by others.
    this.#planned = prefetch(
      planTasks(this.#handover.watch(slabs), batchSize, totalBatches, request.taskPlan, request.networkCount),
      ({ task: { sharing } }) => sharing === undefined || !isAllClaimed(sharing),
    );
    this.#latencies = createDurationSample(totalBatches);
    this.#roundTrips = createDurationSample(totalBatches);
    this.#batchesByThread = Array.from({ length: executor.threads + 1 }, () => 0);
  }

  async run(): Promise<BatchesOutcome> {
    const { slabs, executor } = this.#request;
    const lanes = Array.from({ length: executor.capacity }, () => this.#workLane());
    await Promise.all(
      lanes.map(async (lane) => {
        // Also undefined can be thrown.
        await lane.catch((error: unknown) => this.#stop(asError(error)));
        // The other lanes may wait for a slab that never will be whole.
        if (!this.#isOver()) return;
        this.#handover.stop();
        slabs.stop();
      }),
    );
    await this.#handover.finished();
    // The source of the slabs is closed, also where not all of them were requested.
    await this.#planned.end();
    return this.#outcome();
  }

  #isOver(): boolean {
    return this.#state === "stopping" || this.#signal.aborted;
  }

  #stop(error?: Error): void {
    this.#state = "stopping";
    this.#fatal ??= error;
  }

  async #workLane(): Promise<void> {
    const { executor } = this.#request;
    const signal = this.#signal;
    while (!this.#isOver()) {
      const attempt = this.#retryQueue.shift() ?? firstAttempt(await this.#planned.next());
      if (attempt === undefined) return;
      const issuedAt = performance.now();
      this.#beganAt ??= issuedAt;
      let answer: TaskResult;
      try {
        answer = await executor.run(attempt.task, signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isFinal(error)) this.#stop(asError(error));
        else this.#retryOrGiveUp(attempt, error);
        continue;
      }
      this.#roundTrips.add(performance.now() - issuedAt);
      // An error that a listener throws ends the run. Running the task again would not help: its batches are merged.
      this.#merge(attempt, answer);
    }
  }

  #merge({ slab, task }: PlannedTask, { answers, thread }: TaskResult): void {
    const request = this.#request;
    for (const answer of answers) {
      const batch = batchAt(task.batches, answer.id - task.batches.firstId);
      if (answer.nanImage !== undefined) {
        if (this.#firstNan === undefined || answer.nanImage < this.#firstNan.image) {
          this.#firstNan = { slab, image: answer.nanImage };
        }
        this.#stop();
        this.#handover.settle(slab, batch, UNMERGED);
        continue;
      }
      // A batch that was merged before is settled already.
      if (!request.tallyOf(slab).add(slab, batch)) continue;
      this.#batchesByThread[thread] = (this.#batchesByThread[thread] ?? 0) + 1;
      this.#latencies.add(answer.elapsedMs);
      this.#recomputed += answer.recomputed;
      request.onMerged?.({ slab, batch, answer, thread });
      this.#batches++;
      this.#handover.settle(slab, batch, MERGED);
    }
    this.#mergedAt = performance.now();
  }

  /** The batches of a failed task are retried one by one, so that one that crashes workers takes no other with it. */
  #retryOrGiveUp(attempt: Attempt, error: unknown): void {
    const { slab, task, number } = attempt;
    const batches = batchesLeftBy(task);
    this.#request.log.warn(
      { batches: batches.map(({ id }) => id), attempt: number, reason: reasonOf(error) },
      "a task failed",
    );
    if (number <= this.#request.retries) {
      this.#retries += batches.length;
      for (const batch of batches) {
        this.#retryQueue.push({ slab, task: taskOf(slab, spanOf(batch)), number: number + 1 });
      }
      return;
    }
    this.#failedBatches += batches.length;
    for (const batch of batches) this.#handover.settle(slab, batch, UNMERGED);
    this.#firstFailure ??= { attempt, error };
    // Where nothing has gone right yet, the rest would only take its time to fail too.
    if (this.#batches === 0) this.#stop(this.#batchFailed());
  }

  #outcome(): BatchesOutcome {
    const beganAt = this.#beganAt ?? performance.now();
    return {
      batches: this.#batches,
      retries: this.#retries,
      recomputed: this.#recomputed,
      batchesByThread: this.#batchesByThread,
      latenciesMs: this.#latencies.keptMs,
      roundTripsMs: this.#roundTrips.keptMs,
      beganAtMs: performance.timeOrigin + beganAt,
      evaluateMs: (this.#mergedAt ?? beganAt) - beganAt,
      failure: this.#fatal ?? this.#logitsNan() ?? this.#batchFailed(),
    };
  }

  #logitsNan(): NetworkError | undefined {
    if (this.#firstNan === undefined) return undefined;
    const { slab, image } = this.#firstNan;
    return new NetworkError("ERR_LOGITS_NAN", { path: this.#request.networkOf(slab), image });
  }

  #batchFailed(): RunError | undefined {
    if (this.#firstFailure === undefined) return undefined;
    return batchFailed(this.#firstFailure.attempt, this.#firstFailure.error, this.#failedBatches);
  }
}

/** Whether a batch that is settled was merged. */
const MERGED = true;
const UNMERGED = false;
/** Exit status of faults of the input. */
const INPUT = 3;
const NO_WORKER: ReadonlySet<string> = new Set(["ERR_OPEN_FILES", "ERR_WORKER_LOAD", "ERR_WORKER_THREAD"]);

/** Whether another attempt would fail in the same way: no worker can be started, or the network is at fault. */
function isFinal(error: unknown): boolean {
  return error instanceof BatchwiseError && (error.exitStatus === INPUT || NO_WORKER.has(error.code));
}

function firstAttempt(planned: PlannedTask | undefined): Attempt | undefined {
  return planned && { ...planned, number: 1 };
}

function batchFailed({ slab, task, number }: Attempt, cause: unknown, failedBatches: number): RunError {
  const { firstId, start, images } = task.batches;
  return new RunError(
    "ERR_BATCH_FAILED",
    {
      batch: firstId,
      firstImage: slab.firstImage + start,
      lastImage: slab.firstImage + start + images - 1,
      attempts: number,
      failedBatches,
      reason: reasonOf(cause),
    },
    { cause },
  );
}
