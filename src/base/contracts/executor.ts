/** Who runs the tasks, and what a task and its answer are. */
import type { SlabLayout } from "#src/base/slab.js";
import type { ScoreSums } from "./metrics.js";

/** Images `start` to `start + count` (exclusive) of a slab; the unit of one forward pass. Ids are unique in a run. */
export interface Batch {
  readonly id: number;
  readonly start: number;
  readonly count: number;
}

/**
 * Consecutive batches of a slab, as four numbers, however many they are: objects of each would be garbage that V8 moves to
 * its old space, and resident memory would grow with the run.
 */
export interface BatchSpan {
  /** Id of the first batch; the other ids follow it. */
  readonly firstId: number;
  /** The first batch's first image in the slab. */
  readonly start: number;
  /** Images in all batches. */
  readonly images: number;
  /** Images of a batch, at least 1; the last may have fewer. */
  readonly batchSize: number;
}

/** What one message to a worker carries: where the pixels are, never the pixels. */
export interface Task {
  readonly buffer: SharedArrayBuffer;
  readonly layout: SlabLayout;
  /** Index, among the executor's networks, of the one that is to answer. */
  readonly source: number;
  readonly batches: BatchSpan;
  /** Where several threads have the same batches. */
  readonly sharing?: Sharing | undefined;
}

/** Each batch is done by the lane that claims it first. */
export interface Sharing {
  /** (batches) i32: 0, or the lane that has claimed it. */
  readonly claims: SharedArrayBuffer;
  /** Number of the thread that has the task, from 1. */
  readonly lane: number;
}

export interface BatchAnswer {
  readonly id: number;
  /** Images of the batch whose prediction is their label. The predictions are in the slab. */
  readonly correct: number;
  /** How many of them were computed again to be certain. */
  readonly recomputed: number;
  /** Absolute time, the same for all threads: `performance.timeOrigin + performance.now()`. */
  readonly startedAtMs: number;
  readonly elapsedMs: number;
  /** Sums over the batch's probabilities, which are in the slab; null if the slab has no room for them. */
  readonly scores: ScoreSums | null;
  /** Index, within the data set, of the batch's first image with a logit that is NaN. The batch then has no other answer. */
  readonly nanImage?: number | undefined;
}

export interface TaskResult {
  readonly answers: readonly BatchAnswer[];
  /** 0 is the coordinator's own thread; workers count from 1. */
  readonly thread: number;
}

export interface Executor {
  /** How many tasks can be under way at once. */
  readonly capacity: number;
  /** Workers started so far, replacements included. */
  readonly workersStarted: number;
  /** From the first start to the first worker ready; 0 where nothing starts. */
  readonly startMs: number;
  /** By network: why `simd` computes all of it by the reference; undefined where it does not. */
  readonly fallbacks?: readonly (string | undefined)[] | undefined;
  /** Resolves when all workers are ready. */
  warm(): Promise<void>;
  /** Answered once, or refused with a coded error: never silence. */
  run(task: Task, signal: AbortSignal): Promise<TaskResult>;
  close(): Promise<void>;
}
