/** The answer of `bench`: its JSON report is `benchmarkSchema`. */
import * as z from "zod";
import { SPLITS } from "./dataset.js";
import { ENGINES } from "./engine.js";
import { assumption, count, type DeepReadonly, datasetHash, milliseconds, sha256 } from "./fields.js";
import { NORMALIZATIONS } from "./network.js";
import { SCENARIOS } from "./run.js";

const percentiles = z.object({
  /** At least 50 % of the values are no larger. */
  p50: milliseconds,
  /** At least 90 % of the values are no larger. */
  p90: milliseconds,
  /** At least 99 % of the values are no larger. */
  p99: milliseconds,
});

/** Percentiles by nearest rank, in milliseconds, to three significant digits. */
export interface Percentiles extends DeepReadonly<z.infer<typeof percentiles>> {}

const configuration = z.object({
  /** The engine that computes. */
  engine: z.enum(ENGINES),
  /** Worker threads; 0 is the coordinator's own thread. */
  threads: count,
  /** Images per batch. */
  batchSize: z.int().positive(),
});

/** What a benchmark varies. */
export interface Configuration extends DeepReadonly<z.infer<typeof configuration>> {}

const measuredConfiguration = configuration.extend({
  /** Timed passes over all images. */
  passes: z.int().positive(),
  /** Duration of a pass, from the first dispatched batch to the last merged batch. */
  passMs: z.object({
    /** The lower median of the timed passes. */
    median: milliseconds,
    /** The fastest timed pass. */
    fastest: milliseconds,
    /** The slowest timed pass. */
    slowest: milliseconds,
    /** Every timed pass, in order. */
    samples: z.array(milliseconds),
  }),
  /** Images ÷ median pass. */
  imagesPerSecond: z.number().nonnegative(),
  /** Median pass ÷ images. */
  microsecondsPerImage: z.number().nonnegative(),
  /** Throughput ÷ that of one thread with the same engine and batch size; null if that was not measured. */
  speedUp: z.number().nonnegative().nullable(),
  /** Speed-up ÷ threads; null if there is no speed-up, or for 0 threads. */
  efficiency: z.number().nonnegative().nullable(),
  /** Forward pass of one batch on its thread, over all passes. */
  batchLatencyMs: percentiles,
  /** From the dispatch of one image to its answer, over all passes; null except in `single-stream`. */
  queryLatencyMs: percentiles.nullable(),
});

/** A configuration and its timed passes. */
export interface MeasuredConfiguration extends DeepReadonly<z.infer<typeof measuredConfiguration>> {}

export const benchmarkSchema = z
  .object({
    /** Version of this document's format. */
    schemaVersion: z.literal(1),
    /** `offline` measures throughput; `single-stream` measures the latency of single images. */
    scenario: z.enum(SCENARIOS),
    /** False if the benchmark was interrupted: the numbers then cover the finished passes. */
    complete: z.boolean(),
    /** Facts that predictions rest on although no file and no option states them. */
    assumptions: z.array(assumption),
    /** The evaluated images. */
    dataset: z.object({
      /** Name of the data set, as `Dataset.name`. */
      name: z.string(),
      /** `test` or `train`. */
      split: z.enum(SPLITS),
      ...datasetHash,
      /** Images in the whole set. */
      total: count,
      /** Index of the first image, from 0. */
      offset: count,
      /** Images in each pass. */
      images: count,
    }),
    /** The evaluated network. */
    network: z.object({
      /** Name of the network, as `Network.name`. */
      name: z.string(),
      /** SHA-256, hex, as `Network.sha256`. */
      sha256,
      /** Units from the inputs to the classes. */
      layers: z.array(z.int().positive()),
      /** Kind of the network's preprocessing. */
      normalize: z.enum(NORMALIZATIONS),
    }),
    /** The machine that computed. */
    machine: z.object({
      /** `process.version`. */
      node: z.string(),
      /** Model of the processor, or `unknown`. */
      cpu: z.string(),
      /** Threads that the machine runs at once. */
      availableParallelism: z.int().positive(),
    }),
    /** How the passes were timed and checked. */
    protocol: z.object({
      /** Untimed passes before the timed ones. */
      warmUpPasses: count,
      /** Least number of timed passes per configuration. */
      repeat: z.int().positive(),
      /** Least total duration of the timed passes per configuration, in seconds. */
      durationSeconds: z.number().nonnegative(),
      /** The engine whose predictions every pass must reproduce. */
      checkedAgainst: z.enum(ENGINES),
    }),
    /** Largest resident set of the process so far, in bytes (getrusage's ru_maxrss): all pools and loaded images. */
    peakProcessRssBytes: count,
    /** Configurations with a timed pass, in the order engine, batch size, threads. */
    configurations: z.array(measuredConfiguration),
  })
  .meta({ title: "Batchwise: the result of a benchmark" });

/** The answer of `bench`. */
export interface Benchmark extends DeepReadonly<z.infer<typeof benchmarkSchema>> {}
