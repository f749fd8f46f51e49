/** What `batchwise.config.json` may say: the options of `evaluate`, in camelCase. Every message reads after "expected". */
import * as z from "zod";
import { SPLITS } from "#src/base/contracts/dataset.js";
import { ACTIVATIONS, ENGINES, NORMALIZATIONS } from "#src/base/contracts/network.js";
import { LOG_LEVELS } from "#src/cli/commands/context.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { EXECUTORS, LIMITS } from "#src/evaluate/options.js";
import { NETWORK_NAMES } from "#src/networks/registry.js";
import { FORMATS } from "#src/reports/registry.js";

type Range = readonly [low: number, high: number];

const text = z.string("a text").min(1, "a text that is not empty");
const flag = z.boolean("true or false");

function wholeNumber([low, high]: Range) {
  const expected = `a whole number from ${low} to ${high}`;
  return z.int(expected).min(low, expected).max(high, expected);
}

function decimal([low, high]: Range, unit = "") {
  const expected = `a number ${unit ? `of ${unit} ` : ""}from ${low} to ${high}`;
  return z.number(expected).min(low, expected).max(high, expected);
}

function oneOf<const Names extends readonly string[]>(names: Names) {
  return z.enum(names, `one of ${names.join(", ")}`);
}

const OF_DATA = {
  dataset: text.describe(
    `Images: ${DATASET_NAMES.join(", ")}, a folder of MNIST's file names, an IDX image file, a .npz file, a glob of IDX files, a manifest.`,
  ),
  labels: z
    .union([text, z.literal(false)], "the path of a file, or false")
    .describe("The label file, where dataset is an image file; false predicts without a score."),
  classes: text.describe("A file of class names, one a line."),
  split: oneOf(SPLITS).describe("Which half of the data set."),
  invert: flag.describe("Each pixel p becomes 255 − p."),
  transpose: flag.describe("Rows and columns of each picture change places."),
  labelOffset: wholeNumber(LIMITS.labelOffset).describe("Whole number that is added to each label."),
};

const OF_NETWORK = {
  weights: text.describe(`Network: ${NETWORK_NAMES.join(", ")}, a file, or a folder of .npy files.`),
  activation: oneOf(ACTIVATIONS).describe("Activation of the hidden layers, if the file does not state it."),
  normalize: oneOf(NORMALIZATIONS).describe("What pixels go through, if the file does not state it."),
  mean: decimal(LIMITS.mean).describe("Subtracted from pixels ÷ 255; std stands beside it."),
  std: decimal(LIMITS.std).describe("What (pixels ÷ 255 − mean) is divided by; mean stands beside it."),
  strict: flag.describe("Refuse to evaluate on assumptions."),
  offline: flag.describe("Use what is in the cache, and download nothing."),
};

const OF_RUN = {
  threads: wholeNumber(LIMITS.threads).describe("Worker threads; 0 computes on the main thread."),
  batchSize: wholeNumber(LIMITS.batchSize).describe("Images a batch."),
  executor: oneOf(EXECUTORS).describe("Who computes: this machine, or workers over Redis."),
  redis: text.describe("With executor bullmq: redis://host:port. Its password is better in BATCHWISE_REDIS."),
  runId: text.describe("With executor bullmq: the name of the run."),
  jobImages: wholeNumber(LIMITS.jobImages).describe("With executor bullmq: images a job."),
  patience: wholeNumber(LIMITS.patienceSeconds).describe(
    "With executor bullmq: how long no worker may be there, in seconds.",
  ),
  engine: oneOf(ENGINES).describe("What computes the forward pass."),
  offset: wholeNumber(LIMITS.offset).describe("Begin at this image."),
  limit: wholeNumber(LIMITS.limit).describe("Evaluate at most so many images."),
  shard: text.describe('Evaluate one of several parts: "2/3" is the second of three.'),
  resume: text.describe("A journal: go on where a run that was ended has come to."),
  warm: flag.describe("Start all workers before the time is taken."),
  timeout: decimal(LIMITS.timeoutSeconds, "seconds").describe(
    "Of one task, in seconds: a batch, with simd some hundred.",
  ),
  retries: wholeNumber(LIMITS.retries).describe("How often a failed batch is run again."),
};

const OF_SCORES = {
  topK: wholeNumber(LIMITS.topK).describe("Tell the accuracy within so many most probable classes."),
  calibration: flag.describe("Tell log loss, Brier score and calibration of the probabilities."),
  bootstrap: wholeNumber(LIMITS.bootstrap).describe("Resamples of an interval for macro F1; 0 for none."),
  seed: wholeNumber(LIMITS.seed).describe("Of the bootstrap."),
};

const OF_ANSWER = {
  format: oneOf(FORMATS).describe("Of the answer on stdout."),
  output: z.array(text, "a list of paths").describe("Write the answer to these files too, by their endings."),
  predictions: text.describe("Write each image's prediction and probabilities: .ndjson or .csv."),
  report: text.describe("Write a report with charts and images: .html."),
  minAccuracy: decimal(LIMITS.share).describe("Exit 100 where the accuracy is lower."),
  expectAccuracy: decimal(LIMITS.share).describe(
    "Exit 100 unless the accuracy rounds to it at the places given, at least 4.",
  ),
  minClassRecall: decimal(LIMITS.share).describe("Exit 100 where a class's recall is lower."),
  baseline: text.describe("A result's JSON; exit 100 where the accuracy is lower than that one's."),
  maxRegression: decimal(LIMITS.share).describe("By more than this."),
};

const OF_TERMINAL = {
  logLevel: oneOf(LOG_LEVELS).describe("Of the log on stderr."),
  quiet: flag.describe("No progress on stderr."),
  color: flag.describe("False: no colour."),
};

/** What is evaluated, which other commands ask for too. */
export const SUBJECT_KEYS: ReadonlySet<string> = new Set(Object.keys({ ...OF_DATA, ...OF_NETWORK }));
/** Whose relative paths are those of the configuration file's folder. */
export const PATH_KEYS: ReadonlySet<string> = new Set([
  "dataset",
  "labels",
  "classes",
  "weights",
  "output",
  "predictions",
  "report",
  "baseline",
  "resume",
]);

export const configSchema = z
  .strictObject({
    $schema: z.string("a text").describe("The address of this schema, for editors."),
    ...OF_DATA,
    ...OF_NETWORK,
    ...OF_RUN,
    ...OF_SCORES,
    ...OF_ANSWER,
    ...OF_TERMINAL,
  })
  .partial()
  .describe(
    "Options of batchwise evaluate. Relative paths are relative to this file; the command line goes before it.",
  );

export const CONFIG_KEYS: readonly string[] = Object.keys(configSchema.shape);
