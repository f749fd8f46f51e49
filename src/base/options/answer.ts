/** Options of the answer: its formats and files, its gates, and what every command prints. */

import { PREDICTIONS_FORMATS } from "#src/base/contracts/run.js";
import { decimal, FLAG_TYPE, PATH_TYPE, PATHS_TYPE, rows, TEXT_TYPE, word } from "./define.js";
import { NEEDS_LABELS } from "./images.js";

/** Formats of an evaluation. */
export const FORMATS = ["text", "json", "csv", "markdown", "junit"] as const;
export type Format = (typeof FORMATS)[number];
/** Formats of an answer that is no evaluation. */
export const PLAIN_FORMATS = ["text", "json"] as const;
export const COMPARISON_FORMATS = ["text", "json", "markdown"] as const;
export type ComparisonFormat = (typeof COMPARISON_FORMATS)[number];
export const CHECKS_FORMATS = ["text", "json", "junit", "markdown"] as const;
export type ChecksFormat = (typeof CHECKS_FORMATS)[number];
/** Formats of a benchmark on stdout. A chart is always written to a file. */
export const BENCH_FORMATS = ["text", "json", "csv"] as const;
export const LOG_LEVELS = ["silent", "fatal", "error", "warn", "info", "debug", "trace"] as const;

const PLAIN = { type: word(PLAIN_FORMATS), help: "text or json" } as const;

/** Runs in which this process does not see every image. */
const ALL_COUNTS = [
  NEEDS_LABELS,
  { key: "shard", flag: "--shard", because: "merge adds the counts of all images" },
  { key: "resume", flag: "--resume", because: "a journal counts images without their labels" },
  {
    key: "executor",
    values: ["bullmq"],
    flag: "--executor bullmq",
    because: "hosts count images without their labels",
  },
] as const;

/** Groups that a set states itself: a column of a table, or a level of folders. Other values name a file. */
export const SET_GROUPS = /^(?:column:(.+)|folder:(\d{1,2}))$/;

/** Options of slices: which images are counted, and by which groups. */
export const SLICE_OPTIONS = rows({
  /** Only images with these labels are counted: `label=3,5`, numbers or class names. */
  where: {
    flag: "--where",
    value: "<rule>",
    type: TEXT_TYPE,
    help: "count only images with labels: label=3,5",
    group: "answer",
    commands: ["evaluate", "score"],
    conflicts: [
      ...ALL_COUNTS,
      ...["topK", "calibration"].map((key) => ({
        key,
        flag: key === "topK" ? "--top-k" : "--calibration",
        because: "sums of probabilities are those of all images",
      })),
      { key: "baseline", flag: "--baseline", because: "a baseline counts all its images" },
    ],
  },
  /** Accuracy by group: a file with a group per line or a column `group`; `column:NAME` of a table; `folder:N` of pictures' paths. */
  groups: {
    flag: "--groups",
    value: "<by>",
    type: PATH_TYPE,
    help: "accuracy by group: a file, column:x or folder:1",
    group: "answer",
    commands: ["evaluate", "score"],
    conflicts: ALL_COUNTS,
  },
});

/** Options of the answer. */
export const ANSWER_OPTIONS = rows({
  format: {
    flag: "--format",
    value: "<name>",
    type: word(FORMATS),
    default: "text",
    help: "text, json, csv, markdown or junit",
    group: "answer",
    commands: [
      "evaluate",
      "inspect",
      "diagnose",
      "predict",
      "score",
      "compare",
      "check",
      "merge",
      "runs",
      "bench",
      "doctor",
    ],
    differs: {
      inspect: PLAIN,
      diagnose: PLAIN,
      predict: PLAIN,
      runs: PLAIN,
      doctor: PLAIN,
      compare: { type: word(COMPARISON_FORMATS), help: "text, json or markdown" },
      check: { type: word(CHECKS_FORMATS), help: "text, json, junit or markdown" },
      bench: { type: word(BENCH_FORMATS), help: "text, json or csv" },
    },
  },
  output: {
    flag: "--output",
    short: "-o",
    value: "<file>",
    writes: true,
    type: PATHS_TYPE,
    help: "answer in a file too, by ending; repeatable",
    group: "answer",
    commands: ["evaluate", "score", "compare", "check", "report", "fit", "merge", "bench"],
    differs: {
      report: { type: PATH_TYPE, help: "the report", defaultText: "beside the result" },
      fit: { type: PATH_TYPE, required: true, help: "the .safetensors file to write" },
    },
  },
  predictions: {
    flag: "--predictions",
    value: "<file>",
    writes: true,
    type: PATH_TYPE,
    help: "write every prediction: .ndjson or .csv",
    group: "answer",
    commands: ["evaluate", "score"],
  },
  ...SLICE_OPTIONS,
  predictionsFormat: {
    flag: "--predictions-format",
    value: "<f>",
    type: word(PREDICTIONS_FORMATS),
    defaultText: "by ending",
    help: "ndjson, csv, kaggle or dvc",
    group: "answer",
    commands: ["evaluate", "score"],
    requires: [{ key: "predictions", flag: "--predictions", because: "it is the format of that file" }],
  },
  report: {
    flag: "--report",
    value: "<file>",
    writes: true,
    type: PATH_TYPE,
    help: "write a page with charts and images: .html",
    group: "answer",
    commands: ["evaluate", "score", "compare"],
    conflicts: [
      { key: "labels", values: [false], flag: "--no-labels", because: "without labels there is no report" },
      {
        key: "resume",
        flag: "--resume",
        because: "a journal keeps no images; batchwise report makes the page from the result",
      },
    ],
  },
  png: {
    flag: "--png",
    value: "<file>",
    writes: true,
    type: PATH_TYPE,
    help: "write the image as a PNG too",
    group: "answer",
    commands: ["show"],
  },
  mirror: {
    flag: "--mirror",
    value: "<url>",
    type: TEXT_TYPE,
    help: "a mirror to try before the public ones",
    group: "data",
    commands: ["fetch"],
  },
});

const SHARE = decimal(0, 1);
const WITH_GATES = ["evaluate", "score", "merge"] as const;
const WHOLE_RESULTS = [
  NEEDS_LABELS,
  { key: "shard", flag: "--shard", because: "a gate judges whole results; give the gate to merge" },
] as const;

/** Options that make a result a pass or a failure. */
export const GATE_OPTIONS = rows({
  minAccuracy: {
    flag: "--min-accuracy",
    value: "<x>",
    type: SHARE,
    help: "exit 100 if the accuracy is below x",
    group: "gates",
    commands: WITH_GATES,
    conflicts: WHOLE_RESULTS,
  },
  expectAccuracy: {
    flag: "--expect-accuracy",
    value: "<x>",
    type: { kind: "digits", limits: [0, 1] },
    help: "exit 100 unless the accuracy equals x, rounded",
    group: "gates",
    commands: WITH_GATES,
    conflicts: WHOLE_RESULTS,
  },
  minClassRecall: {
    flag: "--min-class-recall",
    value: "<x>",
    type: SHARE,
    help: "exit 100 if a class has a recall below x",
    group: "gates",
    commands: WITH_GATES,
    conflicts: WHOLE_RESULTS,
  },
  baseline: {
    flag: "--baseline",
    value: "<file>",
    type: PATH_TYPE,
    help: "exit 100 if less accurate than this result",
    group: "gates",
    commands: WITH_GATES,
    conflicts: WHOLE_RESULTS,
  },
  maxRegression: {
    flag: "--max-regression",
    value: "<x>",
    type: SHARE,
    default: 0,
    help: "loss of accuracy that --baseline allows",
    group: "gates",
    commands: WITH_GATES,
    requires: [{ key: "baseline", flag: "--baseline", because: "a loss is measured against another result" }],
  },
});

/** Options of every command. */
export const GLOBAL_OPTIONS = rows({
  config: {
    flag: "--config",
    value: "<file>",
    type: PATH_TYPE,
    defaultText: "nearest batchwise.config.json",
    help: "options file",
    group: "global",
    commands: ["evaluate", "show", "inspect", "predict", "bench"],
    negation: { flag: "--no-config", help: "use no options file", commands: [] },
  },
  logLevel: {
    flag: "--log-level",
    value: "<level>",
    type: word(LOG_LEVELS),
    default: "warn",
    help: "log on stderr: silent, …, debug, trace",
    group: "global",
    commands: [],
  },
  quiet: {
    flag: "--quiet",
    type: FLAG_TYPE,
    help: "no progress on stderr",
    group: "global",
    commands: [],
  },
  color: {
    type: FLAG_TYPE,
    help: "colours",
    group: "global",
    commands: [],
    negation: { flag: "--no-color", help: "no colours; NO_COLOR does the same", commands: [] },
  },
});
