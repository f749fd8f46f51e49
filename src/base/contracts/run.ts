/** What a run is given besides data and network: a log, numbers and words within limits. Loaded at every start. */

/** Receives the log lines of a run; pino's loggers fit. */
export interface Log {
  /** Details that help to find a fault. */
  debug(facts: object, message: string): void;
  /** Work that was done, and its duration. */
  info(facts: object, message: string): void;
  /** Failures that were handled, such as a batch that is run again. */
  warn(facts: object, message: string): void;
}

/** A log that drops every line. */
export const SILENT: Log = { debug() {}, info() {}, warn() {} };

/** Most images of a data set, of a batch and of a job. */
export const MAX_COUNT = 2 ** 32;
/** Limits of a run's numbers, both included, in options and in documents. */
export const LIMITS = {
  offset: [0, MAX_COUNT],
  limit: [1, MAX_COUNT],
  /** Labels are bytes. */
  labelOffset: [-255, 255],
  topK: [1, MAX_COUNT],
  /** A million resamples of ten classes take some seconds. */
  bootstrap: [0, 1_000_000],
  seed: [0, 2 ** 32 - 1],
} as const;

/** Formats of a predictions file. `kaggle` has the columns ImageId, from 1, and Label; `dvc` has actual and predicted. */
export const PREDICTIONS_FORMATS = ["ndjson", "csv", "kaggle", "dvc"] as const;
/** Formats that a file's ending states, and that `compare` and `report` read. */
export const FULL_FORMATS = ["ndjson", "csv"] as const;
/** A format of a predictions file. */
export type PredictionsFormat = (typeof PREDICTIONS_FORMATS)[number];

/**
 * The scenarios of MLPerf's LoadGen (MLCommons, inference_rules.adoc, "Scenarios"). `offline` hands over all images at
 * once and measures throughput. `single-stream` hands over one image at a time, the next after the answer, and measures
 * the 90th percentile of the latency. Results are not MLPerf results: those need at least 600 s, randomly drawn images
 * and an early-stopping estimate of the percentile. Here `--duration` sets the time, and images come in order.
 */
export const SCENARIOS = ["offline", "single-stream"] as const;
/** How a benchmark hands over its images. */
export type Scenario = (typeof SCENARIOS)[number];
