/** How an evaluation ran, and how long it took; none of it touches the result. */

import type { EngineName, Normalization } from "./network.js";

/** How the work was shared out, and on what machine. */
export interface RunFacts {
  /** The one that computed: for probabilities `ml-matrix` where `simd` was asked for. */
  readonly engine: EngineName;
  /**
   * `inline` is the calling thread, where `threads` is 0; `local` a pool of workers, none of which `simd` starts for a run
   * that is over sooner; `bullmq` other processes over Redis.
   */
  readonly executor: "local" | "inline" | "bullmq";
  /** Who computed, where others did. */
  readonly hosts?: readonly HostFacts[] | undefined;
  /** As asked for; 0 is the calling thread alone. Over Redis those of all hosts that answered, of a merge of all shards. */
  readonly threads: number;
  /** Workers started, replacements included; without these never more than there are tasks. */
  readonly workersStarted: number;
  /** Batches merged, by the thread that computed them; index 0 is the coordinator's own thread. Their sum is `batches`. */
  readonly batchesByThread: readonly number[];
  /** Images a batch. */
  readonly batchSize: number;
  /** Batches merged, without those that a journal told of. */
  readonly batches: number;
  /** How often a failed batch was run again. */
  readonly retries: number;
  /** Images that `simd` computed again in float64 to be certain; those that a journal told of included. */
  readonly recomputed: number;
  /** Why `simd` computed every image in float64, where an error bound of float32 does not hold for the network. */
  readonly fallback?: string | undefined;
  /** The kind of the network's preprocessing. */
  readonly normalize: Normalization;
  /** `process.version`. */
  readonly node: string;
  /** The processor's model, or `unknown`. */
  readonly cpu: string;
}

/** One worker process of a run over Redis. */
export interface HostFacts {
  /** Its machine's name, with what tells it from others there. */
  readonly host: string;
  /** Its worker threads. */
  readonly threads: number;
  /** Ranges of images that it answered. */
  readonly jobs: number;
  /** Images that it answered. */
  readonly images: number;
}

/** How long it took, in milliseconds, to a microsecond. */
export interface Timing {
  /** From the call to the answer. */
  readonly totalMs: number;
  /** Until data and network were loaded and found to fit each other. */
  readonly loadMs: number;
  /** From the pool's creation to its first worker ready; 0 where none was. */
  readonly startPoolMs: number;
  /** From the first batch dispatched to the last merged. */
  readonly evaluateMs: number;
  /** Images over `evaluateMs`, without those that a journal told of; a whole number, 0 where nothing was evaluated. */
  readonly imagesPerSecond: number;
  /**
   * Of the time that a batch took on its thread, without waiting: percentiles by nearest rank, 0 where there was none; of
   * more than 65,536 batches, those of an even sample. Of a merge, the largest of the shards'.
   */
  readonly batchLatencyMs: {
    /** At least half of the batches took no longer. */
    readonly p50: number;
    /** At least 90 % of the batches took no longer. */
    readonly p90: number;
    /** At least 99 % of the batches took no longer. */
    readonly p99: number;
  };
}

/** One batch, where and when it was computed; of a run over Redis one range of images. */
export interface TimelineEntry {
  /** Its place in the order of the images, from 0. */
  readonly batch: number;
  /** 0 is the coordinator's own thread; workers, over Redis hosts, count from 1. */
  readonly thread: number;
  /** Milliseconds from the first batch dispatched, over Redis from the call, to its start. */
  readonly startMs: number;
  /** Milliseconds that it took on its thread or host, without waiting. */
  readonly elapsedMs: number;
}

/** Where a run says what it does; pino's loggers fit. */
export interface Log {
  /** What helps to find a fault. */
  debug(facts: object, message: string): void;
  /** What was done, and how long it took. */
  info(facts: object, message: string): void;
  /** What went wrong and was mended, such as a batch that is run again. */
  warn(facts: object, message: string): void;
}

export const SILENT: Log = { debug() {}, info() {}, warn() {} };
