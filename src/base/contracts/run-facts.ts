/** How an evaluation ran, and how long it took. The result does not depend on either. */
import * as z from "zod";
import { ENGINES } from "./engine.js";
import { count, type DeepReadonly, milliseconds } from "./fields.js";
import { NORMALIZATIONS } from "./network.js";

const hostFacts = z.object({
  /** Name of the machine, with a suffix that is unique per process. */
  host: z.string(),
  /** Worker threads of the host. */
  threads: count,
  /** Ranges of images that the host answered. */
  jobs: count,
  /** Images that the host answered. */
  images: count,
});

/** One worker process of a run over Redis. */
export interface HostFacts extends DeepReadonly<z.infer<typeof hostFacts>> {}

export const runFacts = z.object({
  /**
   * The engine that computed. For probabilities `simd` is replaced by `ml-matrix`. `none` for predictions that were made
   * elsewhere.
   */
  engine: z.enum([...ENGINES, "none"]),
  /** `inline`: the calling thread, with 0 threads. `local`: a pool of worker threads. `bullmq`: hosts over Redis. */
  executor: z.enum(["local", "inline", "bullmq"]),
  /** The hosts that computed; only with executor `bullmq`. */
  hosts: z.array(hostFacts).optional(),
  /** Requested threads; 0 is the calling thread alone. Sum over all hosts that answered, and over all merged shards. */
  threads: count,
  /** Workers started, replacements included; without replacements at most the number of tasks. */
  workersStarted: count,
  /** Merged batches by the thread that computed them; index 0 is the coordinator's thread. The sum is `batches`. */
  batchesByThread: z.array(count),
  /** Images per batch. */
  batchSize: z.int().positive(),
  /** Merged batches, except those that a journal had recorded. */
  batches: count,
  /** Number of times that a failed batch was run again. */
  retries: count,
  /** Images that `simd` computed again in float64 to be certain, those that a journal had recorded included. */
  recomputed: count,
  /** Why `simd` computed every image in float64: no float32 error bound holds for the network. Absent otherwise. */
  fallback: z.string().optional(),
  /** Kind of the network's preprocessing. */
  normalize: z.enum(NORMALIZATIONS),
  /** `process.version`. */
  node: z.string(),
  /** Model of the processor, or `unknown`. */
  cpu: z.string(),
});

/** How the work was divided, and on what machine. The result does not depend on it. */
export interface RunFacts extends DeepReadonly<z.infer<typeof runFacts>> {}

export const timing = z.object({
  /** From the call to the result: all of the following, and what lies between them. */
  totalMs: milliseconds,
  /** From the call until data and network are open, the files are hashed, and a journal is read. No slab is read in it. */
  loadMs: milliseconds,
  /** From the creation of the pool to its first ready worker; 0 if no worker started. */
  startPoolMs: milliseconds,
  /**
   * From the first dispatched batch to the last merged batch; over Redis, from the start of the coordinator. The reading of the
   * first slab is neither in this nor in `loadMs`.
   */
  evaluateMs: milliseconds,
  /** Images ÷ `evaluateMs`, rounded, without the images that a journal had recorded; 0 if no image was evaluated. */
  imagesPerSecond: z.number().nonnegative(),
  /**
   * Time of one batch on its thread, without waiting. Percentiles by nearest rank, 0 without a batch; above 65,536 batches,
   * of an even sample. A merge has the maxima of its shards.
   */
  batchLatencyMs: z.object({
    /** At least 50 % of the batches took no longer. */
    p50: milliseconds,
    /** At least 90 % of the batches took no longer. */
    p90: milliseconds,
    /** At least 99 % of the batches took no longer. */
    p99: milliseconds,
  }),
});

/** Durations, in milliseconds with microsecond digits. The result does not depend on them. */
export interface Timing extends DeepReadonly<z.infer<typeof timing>> {}

export const timelineEntry = z.object({
  /** Place of the batch in the order of the images, from 0. */
  batch: count,
  /** Thread that computed the batch: 0 is the coordinator's; workers, or hosts over Redis, count from 1. */
  thread: count,
  /** Milliseconds from the first dispatched batch (over Redis: from the call) to the start of this one. */
  startMs: milliseconds,
  /** Milliseconds on its thread or host, without waiting. */
  elapsedMs: milliseconds,
});

/** When and where one batch was computed; over Redis, one range of images. */
export interface TimelineEntry extends DeepReadonly<z.infer<typeof timelineEntry>> {}
