/** How an evaluation ran, and how long it took; none of it touches the result. */
import type { EngineName } from "./engine.js";
import type { Normalization } from "./preprocessing.js";

/** How the work was shared out, and on what machine. */
export interface RunFacts {
  /** The one that computed: for probabilities `ml-matrix` where `simd` was asked for. */
  readonly engine: EngineName;
  readonly executor: "local" | "inline" | "bullmq";
  /** Who computed, where others did. */
  readonly hosts?: readonly HostFacts[] | undefined;
  /** As asked for. Workers started (replacements included) are never more than there are tasks. */
  readonly threads: number;
  readonly workersStarted: number;
  /** Index 0 is the coordinator's own thread. */
  readonly batchesByThread: readonly number[];
  readonly batchSize: number;
  readonly batches: number;
  readonly retries: number;
  readonly recomputed: number;
  readonly normalize: Normalization;
  readonly node: string;
  readonly cpu: string;
}

/** One worker process of a run over Redis. */
export interface HostFacts {
  /** Its machine's name, with what tells it from others there. */
  readonly host: string;
  readonly threads: number;
  readonly jobs: number;
  readonly images: number;
}

/** How long it took, in milliseconds, to a microsecond. */
export interface Timing {
  readonly totalMs: number;
  readonly loadMs: number;
  /** From the pool's creation to its first worker ready. */
  readonly startPoolMs: number;
  /** From the first batch dispatched to the last merged. */
  readonly evaluateMs: number;
  /** Images over `evaluateMs`. */
  readonly imagesPerSecond: number;
  readonly batchLatencyMs: { readonly p50: number; readonly p90: number; readonly p99: number };
}

/** One batch where and when it was computed. */
export interface TimelineEntry {
  readonly batch: number;
  /** 0 is the coordinator's own thread; workers count from 1. */
  readonly thread: number;
  /** From the first batch dispatched. */
  readonly startMs: number;
  readonly elapsedMs: number;
}
