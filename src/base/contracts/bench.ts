/** What a benchmark answers; the JSON report is this object. */
import type { Assumption } from "#src/base/assumptions.js";
import type { Split } from "./dataset.js";
import type { EngineName, Normalization } from "./network.js";

/**
 * As MLPerf's LoadGen has them (MLCommons, inference_rules.adoc, "Scenarios"): `offline` hands over all images at once
 * and asks for the throughput; `single-stream` hands over one image at a time, the next as soon as the last is answered,
 * and asks for the 90th percentile of the latency. What makes a result MLPerf's own (600 s at least, images drawn at
 * random, the early-stopping estimate of the percentile) is not claimed: `--duration` sets the time, images come in order.
 */
export const SCENARIOS = ["offline", "single-stream"] as const;
export type Scenario = (typeof SCENARIOS)[number];

export interface Benchmark {
  readonly schemaVersion: 1;
  readonly scenario: Scenario;
  /** False where it was interrupted: then the numbers are of the passes that were done. */
  readonly complete: boolean;
  /** What predictions rest on although neither a file nor an option states it. */
  readonly assumptions: readonly Assumption[];
  readonly dataset: {
    readonly name: string;
    readonly split: Split;
    readonly sha256: string;
    /** Images in the whole set. */
    readonly total: number;
    readonly offset: number;
    /** Images in each pass. */
    readonly images: number;
  };
  readonly network: {
    readonly name: string;
    readonly sha256: string;
    readonly layers: readonly number[];
    readonly normalize: Normalization;
  };
  readonly machine: {
    readonly node: string;
    readonly cpu: string;
    /** Threads that the machine runs at once. */
    readonly availableParallelism: number;
  };
  readonly protocol: {
    readonly warmUpPasses: number;
    /** Timed passes of a configuration, at least. */
    readonly repeat: number;
    /** Of a configuration's timed passes together, at least. */
    readonly durationSeconds: number;
    /** The engine whose predictions every pass must give. */
    readonly checkedAgainst: EngineName;
  };
  /** The process's largest resident set so far (getrusage's ru_maxrss): all pools and the images in memory together. */
  readonly peakProcessRssBytes: number;
  /** In the order engine, batch size, threads; only those with a timed pass. */
  readonly configurations: readonly MeasuredConfiguration[];
}

export interface Configuration {
  readonly engine: EngineName;
  /** 0 is the coordinator's own thread. */
  readonly threads: number;
  readonly batchSize: number;
}

export interface MeasuredConfiguration extends Configuration {
  readonly passes: number;
  /** Of a pass over all images, from the first batch dispatched to the last merged. */
  readonly passMs: {
    readonly median: number;
    readonly fastest: number;
    readonly slowest: number;
    readonly samples: readonly number[];
  };
  /** Images over the median pass. */
  readonly imagesPerSecond: number;
  readonly microsecondsPerImage: number;
  /** Throughput over that of one thread with the same engine and batch size; null where that was not measured. */
  readonly speedUp: number | null;
  /** Speed-up over threads; null for 0 threads too. */
  readonly efficiency: number | null;
  /** Of one batch's forward pass, in its worker, over all passes. */
  readonly batchLatencyMs: Percentiles;
  /** Of one image from being handed over to its answer, over all passes; null but in `single-stream`. */
  readonly queryLatencyMs: Percentiles | null;
}

/** Nearest rank, to three significant digits. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}
