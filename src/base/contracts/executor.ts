/** Contract of executors, their tasks and their answers. */

import type { SlabLayout } from "#src/base/slab.js";
import type { ScoreSums } from "./metrics.js";

/** Images from `start` up to, not including, `start + count` of a slab: one forward pass. Ids are unique in a run. */
export interface Batch {
  readonly id: number;
  readonly start: number;
  readonly count: number;
}

/**
 * Consecutive batches of a slab, as four numbers. V8 would move one object per batch to its old space, and resident memory
 * would grow with the run.
 */
export interface BatchSpan {
  /** Id of the first batch. The other ids follow it. */
  readonly firstId: number;
  /** Index, within the slab, of the first image. */
  readonly start: number;
  /** Number of images in all batches. */
  readonly images: number;
  /** Images per batch, at least 1. The last batch may have fewer. */
  readonly batchSize: number;
}

/** Content of a message to a worker: the place of the pixels, never the pixels. */
export interface Task {
  readonly buffer: SharedArrayBuffer;
  readonly layout: SlabLayout;
  /** Index of the network among the executor's networks. */
  readonly source: number;
  readonly batches: BatchSpan;
  /** Present if several threads have the same batches. */
  readonly sharing?: Sharing | undefined;
}

/** Batches shared by threads. The first lane that claims a batch computes it. */
export interface Sharing {
  /** (batches) i32: 0, or the lane that claimed the batch. */
  readonly claims: SharedArrayBuffer;
  /** Number of the task's thread, from 1. */
  readonly lane: number;
}

/** Result of a batch. Its predictions are in the slab. */
export interface BatchAnswer {
  readonly id: number;
  /** Number of images whose prediction is their label. */
  readonly correct: number;
  /** Number of images computed again in float64. */
  readonly recomputed: number;
  /** Absolute time, comparable between threads: `performance.timeOrigin + performance.now()`. */
  readonly startedAtMs: number;
  readonly elapsedMs: number;
  /** Sums over the batch's probabilities, which are in the slab; null if the slab has no room for them. */
  readonly scores: ScoreSums | null;
  /** Index, within the data set, of the first image with a NaN logit. The other fields then have no meaning. */
  readonly nanImage?: number | undefined;
}

/** Results of a task. */
export interface TaskResult {
  readonly answers: readonly BatchAnswer[];
  /** Thread that ran the task: 0 is the coordinator's thread, workers count from 1. */
  readonly thread: number;
}

/** Runs tasks on one or more threads. */
export interface Executor {
  /** Number of threads that compute. */
  readonly threads: number;
  /** Number of tasks that can be under way at once: one per thread, and those that wait behind it. */
  readonly capacity: number;
  /** Number of workers started so far, including replacements. */
  readonly workersStarted: number;
  /** Time from the first start of a worker to the first worker ready; 0 without workers. */
  readonly startMs: number;
  /** Per network: the reason why `simd` computes all of it by the reference, or undefined. */
  readonly fallbacks?: readonly (string | undefined)[] | undefined;
  /** Resolves when all workers are ready. */
  warm(): Promise<void>;
  /** Runs a task. The promise always settles: with a result, or with a coded error. */
  run(task: Task, signal: AbortSignal): Promise<TaskResult>;
  close(): Promise<void>;
}
