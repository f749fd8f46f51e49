/** Options of the computation: engines, threads, statistics. */

import { ENGINES } from "#src/base/contracts/engine.js";
import { LIMITS, MAX_COUNT, SCENARIOS } from "#src/base/contracts/run.js";
import { FLAG_TYPE, PATH_TYPE, rows, seconds, whole, word } from "./define.js";
import { NEEDS_LABELS } from "./images.js";

/** A higher number of threads is a typing error. */
const MAX_THREADS = 1024;
/** Most timed passes of a configuration: more would show nothing new. */
export const MAX_PASSES = 10_000;
const HOUR_SECONDS = 3_600;
export const DAY_SECONDS = 86_400;

/** Parts and journals keep counts. They do not keep the predictions that an earlier process made. */
const NEEDS_COUNTS = { ...NEEDS_LABELS, because: "without labels there are no counts to keep" } as const;

/** The option that runs over Redis are started with. */
export const OVER_REDIS = { key: "executor", values: ["bullmq"], flag: "--executor bullmq" } as const;

/** Options of the run. */
export const RUN_OPTIONS = rows({
  /** What computes the forward pass. Probabilities are never computed by `simd`, but by `ml-matrix`. Default `ml-matrix`. */
  engine: {
    flag: "--engine",
    value: "<name>",
    type: word(ENGINES),
    default: "ml-matrix",
    help: "ml-matrix, simd, onnx or reference",
    group: "computing",
    commands: ["evaluate", "diagnose", "compare", "bench"],
    differs: {
      bench: {
        type: { kind: "words", words: ENGINES },
        default: "ml-matrix,simd",
        help: "engines, with commas",
      },
    },
  },
  /** Worker threads, up to 1,024; 0 computes on the calling thread. Default: as many as the machine runs at once. */
  threads: {
    flag: "--threads",
    short: "-t",
    value: "<n>",
    type: whole(0, MAX_THREADS),
    defaultText: "one per core",
    help: "worker threads; 0: main thread",
    group: "computing",
    commands: ["evaluate", "compare", "check", "worker", "bench"],
    differs: {
      check: { defaultText: "the suite's" },
      worker: { type: whole(1, MAX_THREADS), help: "worker threads" },
      bench: {
        type: { kind: "wholes", limits: [0, MAX_THREADS] },
        defaultText: "1,2,4…",
        help: "threads, with commas; 0: main thread",
      },
    },
    conflicts: [{ ...OVER_REDIS, because: "each worker has its own threads" }],
  },
  /** Images per batch. Default 100. */
  batchSize: {
    flag: "--batch-size",
    short: "-b",
    value: "<n>",
    type: whole(1, MAX_COUNT),
    default: 100,
    help: "images per batch",
    group: "computing",
    commands: ["evaluate", "inspect", "compare", "bench"],
    differs: {
      bench: {
        type: { kind: "wholes", limits: [1, MAX_COUNT] },
        help: "images per batch, with commas",
      },
    },
  },
  /** Wait for all workers before the first batch, so that `timing.evaluateMs` holds no start. Default false. */
  warm: {
    flag: "--warm",
    type: FLAG_TYPE,
    help: "start all workers before the clock starts",
    group: "computing",
    commands: ["evaluate"],
    conflicts: [{ ...OVER_REDIS, because: "each worker starts its threads before its first job" }],
  },
  /** Seconds per task (a batch; many with `simd`), 0.001 to a day. No limit on the calling thread and for `onnx`. Default 30. */
  timeoutSeconds: {
    flag: "--timeout",
    value: "<seconds>",
    type: seconds(0.001, DAY_SECONDS),
    default: 30,
    help: "time limit per task of a worker thread",
    group: "computing",
    commands: ["evaluate", "compare", "fetch", "bench"],
    differs: {
      fetch: { type: seconds(0.001, HOUR_SECONDS), help: "without a byte, before the next mirror" },
    },
  },
  /** How often a failed batch is run again, 0 to 100. Default 2. */
  retries: {
    flag: "--retries",
    value: "<n>",
    type: whole(0, 100),
    default: 2,
    help: "how often a failed batch is run again",
    group: "computing",
    commands: ["evaluate", "compare"],
  },
  /** `i/n`: evaluate the i-th of n parts of the images; the answer's `shard` is what a merge needs. */
  shard: {
    flag: "--shard",
    value: "<i/n>",
    type: { kind: "shard" },
    help: "evaluate part i of n; merge adds the answers",
    group: "scale",
    commands: ["evaluate"],
    conflicts: [NEEDS_COUNTS],
  },
  /** Path of a journal. The run skips what it lists as done, and adds what it does. One process at a time. */
  resume: {
    flag: "--resume",
    value: "<file>",
    writes: true,
    type: PATH_TYPE,
    help: "journal; the same command continues from it",
    group: "scale",
    commands: ["evaluate"],
    conflicts: [
      NEEDS_COUNTS,
      { ...OVER_REDIS, because: "Redis keeps what is done; --run-id continues from it" },
    ],
  },
});

/** Options of statistics that the counts alone do not give. */
export const SCORE_OPTIONS = rows({
  /** Compute each image's probabilities, and the result's `scores` from them. Default false. */
  probabilities: {
    type: FLAG_TYPE,
    help: "compute probabilities",
    group: "answer",
    commands: [],
  },
  /** The k of the top-k accuracy, from 1; more than the classes means all of them. Implies `probabilities`. Default 5. */
  topK: {
    flag: "--top-k",
    value: "<k>",
    type: whole(...LIMITS.topK),
    help: "accuracy within the k most probable classes",
    group: "answer",
    commands: ["evaluate", "score"],
    conflicts: [NEEDS_LABELS],
  },
  /** Report log loss, Brier score and calibration. Implies `probabilities`. Default false. */
  calibration: {
    flag: "--calibration",
    type: FLAG_TYPE,
    help: "log loss, Brier score and calibration",
    group: "answer",
    commands: ["evaluate"],
    conflicts: [NEEDS_LABELS],
  },
  /** Resamples for the bootstrap interval of macro F1, up to a million. Default 0: no interval. */
  bootstrap: {
    flag: "--bootstrap",
    value: "<n>",
    type: whole(...LIMITS.bootstrap),
    default: 0,
    help: "resamples for an interval of macro F1",
    group: "answer",
    commands: ["evaluate", "score"],
    conflicts: [NEEDS_LABELS],
  },
  /** Seed of the bootstrap, 0 to 2³² − 1. Default 1. */
  seed: {
    flag: "--seed",
    value: "<n>",
    type: whole(...LIMITS.seed),
    default: 1,
    help: "seed of the bootstrap",
    group: "answer",
    commands: ["evaluate", "diagnose", "score"],
    differs: { diagnose: { help: "seed of the sample" } },
    requires: [
      {
        key: "bootstrap",
        or: "report",
        flag: "--bootstrap",
        because: "only the bootstrap is random; --report has one too",
      },
    ],
  },
});

/** What predictions have for each class, where their file has no names of columns. */
export const CLASS_VALUES = ["probabilities", "logits"] as const;

/** Options of `score` alone. */
export const JUDGE_OPTIONS = rows({
  /** What the numbers of each class are. Default: what the file states, otherwise probabilities if they can be. */
  values: {
    flag: "--values",
    value: "<kind>",
    type: word(CLASS_VALUES),
    help: "numbers per class: probabilities or logits",
    group: "data",
    commands: ["score"],
  },
});

/** Options of `bench` alone. */
export const BENCH_OPTIONS = rows({
  /** `offline` measures throughput, `single-stream` the latency of one image at a time. Default `offline`. */
  scenario: {
    flag: "--scenario",
    value: "<name>",
    type: word(SCENARIOS),
    default: "offline",
    help: "offline or single-stream",
    group: "computing",
    commands: ["bench"],
  },
  /** Least number of timed passes of each configuration. Default 5. */
  repeat: {
    flag: "--repeat",
    value: "<n>",
    type: whole(1, MAX_PASSES),
    default: 5,
    help: "timed passes of each configuration",
    group: "computing",
    commands: ["bench"],
  },
  /** Passes of each configuration before the timed ones. Default 2. */
  warmUp: {
    flag: "--warm-up",
    value: "<n>",
    type: whole(0, MAX_PASSES),
    default: 2,
    help: "passes before the timed ones",
    group: "computing",
    commands: ["bench"],
  },
  /** Least time of each configuration's timed passes together, in seconds. At most 10,000 passes are made. Default 0. */
  durationSeconds: {
    flag: "--duration",
    value: "<seconds>",
    type: { kind: "decimal", limits: [0, HOUR_SECONDS], unit: "seconds" },
    default: 0,
    help: "least time per configuration",
    group: "computing",
    commands: ["bench"],
  },
});
