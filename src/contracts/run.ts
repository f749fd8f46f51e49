/** How an evaluation ran, and how long it took; none of it touches the result. */
import type { EngineName } from "./engine.js";
import type { Normalization } from "./preprocessing.js";

/** How the work was shared out, and on what machine. */
export interface RunFacts {
  /** The one that computed: for probabilities `ml-matrix` where `simd` was asked for. */
  readonly engine: EngineName;
  /** `inline` is the calling thread, `local` a pool of workers, `bullmq` other processes over Redis. */
  readonly executor: "local" | "inline" | "bullmq";
  /** Who computed, where others did. */
  readonly hosts?: readonly HostFacts[] | undefined;
  /** As asked for; 0 is the calling thread alone. */
  readonly threads: number;
  /** Replacements included; without these never more than there are tasks. */
  readonly workersStarted: number;
  /** Batches merged, by the thread that computed them; index 0 is the coordinator's own thread. */
  readonly batchesByThread: readonly number[];
  /** Images a batch. */
  readonly batchSize: number;
  /** Batches merged. */
  readonly batches: number;
  /** How often a failed batch was run again. */
  readonly retries: number;
  /** Images that `simd` computed again in float64 to be certain. */
  readonly recomputed: number;
  /** As the network has it. */
  readonly normalize: Normalization;
  /** `process.version`. */
  readonly node: string;
  /** Its model, or `unknown`. */
  readonly cpu: string;
}

/** One worker process of a run over Redis. */
export interface HostFacts {
  /** Its machine's name, with what tells it from others there. */
  readonly host: string;
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
  /** From the pool's creation to its first worker ready. */
  readonly startPoolMs: number;
  /** From the first batch dispatched to the last merged. */
  readonly evaluateMs: number;
  /** Images over `evaluateMs`. */
  readonly imagesPerSecond: number;
  /** Percentiles of the time that a batch took on its thread, without waiting; 0 where there was none. */
  readonly batchLatencyMs: { readonly p50: number; readonly p90: number; readonly p99: number };
}

/** One batch where and when it was computed. */
export interface TimelineEntry {
  /** Its place in the order of the images, from 0. */
  readonly batch: number;
  /** 0 is the coordinator's own thread; workers count from 1. */
  readonly thread: number;
  /** Since the first batch was dispatched. */
  readonly startMs: number;
  /** On its thread, without waiting. */
  readonly elapsedMs: number;
}
