/** The result of an evaluation. Its JSON is `resultSchema`; in memory it also has arrays with one entry per image. */
import * as z from "zod";
import { AS_STORED, SPLITS } from "./dataset.js";
import {
  assumption,
  count,
  countMatrix,
  type DeepReadonly,
  datasetHash,
  datasetReading,
  datasetView,
  perChannel,
  preprocessing,
  sha256,
  share,
  shareInterval,
} from "./fields.js";
import { shardPart } from "./journal.js";
import { confusionMetrics, scoreMetrics } from "./metrics.js";
import { ACTIVATIONS, NORMALIZATIONS } from "./network.js";
import { PREDICTIONS_FORMATS } from "./run.js";
import { runFacts, type TimelineEntry, timelineEntry, timing } from "./run-facts.js";

/** Version of the JSON. It changes if a reader of the old version would misread the new one. */
export const SCHEMA_VERSION = 1;

const datasetLocation = z.object({
  /** A name such as `mnist`, or the absolute path of a folder, a file or a pattern of files. */
  dataset: z.string(),
  /** Absolute path of the label file; null if the set has its own labels, or was evaluated without labels. */
  labels: z.string().nullable(),
  /** Absolute path of the file of class names; null if none was given. */
  classes: z.string().nullable(),
  /** Options that stated what the files do not; absent if none did. */
  reading: datasetReading.optional(),
});

/** How to open the data set again: names as given, paths absolute. */
export interface DatasetLocation extends DeepReadonly<z.infer<typeof datasetLocation>> {}

export const evaluatedDataset = z.object({
  /** Name of the data set, as `Dataset.name`. */
  name: z.string(),
  /** `test` or `train`. */
  split: z.enum(SPLITS),
  ...datasetHash,
  /** Images in the whole set; `result.total` counts the evaluated ones. */
  total: count,
  /** Index of the first evaluated image, from 0. */
  offset: count,
  /** One name per class, in order; null if none were given. */
  classNames: z.array(z.string()).nullable(),
  /** How stored pictures and labels were changed. */
  view: datasetView.default(AS_STORED),
  /** How to open the data set again; null if a program passed an open one. */
  location: datasetLocation.nullable(),
});

const networkLocation = z.object({
  /** A name such as `book`, or the absolute path of a file or a folder. */
  weights: z.string(),
  /** The requested activation, or those of each hidden layer; null if none was requested. */
  activation: z.union([z.enum(ACTIVATIONS), z.array(z.enum(ACTIVATIONS))]).nullable(),
  /** Absolute path of the file of layers; null if none was given. */
  architecture: z.string().nullable().default(null),
  /** The requested normalization; null if none was requested. */
  normalize: z.enum(NORMALIZATIONS).nullable(),
  /** The given mean of pixels ÷ 255; null if none was given. */
  mean: perChannel.nullable().default(null),
  /** The given standard deviation of pixels ÷ 255; null if none was given. */
  std: perChannel.nullable().default(null),
});

/** How to load the network again: names as given, paths absolute, and the options for what the file does not state. */
export interface NetworkLocation extends DeepReadonly<z.infer<typeof networkLocation>> {}

export const evaluatedNetwork = z.object({
  /** Name of the network, as `Network.name`; `predictions of FILE` for predictions that were made elsewhere. */
  name: z.string(),
  /** SHA-256, hex, as `Network.sha256`; of the file of predictions that were made elsewhere. */
  sha256,
  /**
   * Units from the inputs to the classes: `[784, 50, 100, 10]`. An ONNX model that runs whole has two: inputs, classes.
   * Predictions that were made elsewhere have the classes alone.
   */
  layers: z.array(z.int().positive()),
  /** Activation of each layer; null for an ONNX model that runs whole. */
  activations: z.array(z.enum(ACTIVATIONS)).nullable().default(null),
  /** What pixels go through before the first layer; null in the file of a version that did not write it. */
  preprocessing: preprocessing.nullable().default(null),
  /** How to load the network again; null if a program passed a loaded one. */
  location: networkLocation.nullable(),
});

const complete = z.boolean();

const bootstrapInterval = z.object({
  /** The 2.5 % quantile of the draws by nearest rank; 0 if no image was evaluated. */
  low: share,
  /** The 97.5 % quantile of the draws by nearest rank; 1 if no image was evaluated. */
  high: share,
  /** Number of draws; each draws as many images as were evaluated, with replacement. */
  resamples: z.int().positive(),
  /** Seed of the draws, 0 to 2³² − 1. */
  seed: count,
});

/** The middle 95 % of macro F1 over draws of the evaluated images. The same seed gives the same interval. */
export interface BootstrapInterval extends DeepReadonly<z.infer<typeof bootstrapInterval>> {}

const resultCounts = z.object({
  /** True: distinguishes it from the counts of images without labels. */
  labelled: z.literal(true),
  /** correct ÷ total; 0 if no image was evaluated. */
  accuracy: share,
  /** Images whose prediction is their label. */
  correct: count,
  /** Images evaluated. */
  total: count,
  /** False if batches failed or the run was interrupted: the counts then cover the finished batches. */
  complete,
  /** Wilson's interval of the accuracy; [0, 1] if no image was evaluated. */
  confidenceInterval95: shareInterval,
  /** (classes × classes) images: rows are labels, columns predictions. */
  // A reader allocates the square of the number of rows.
  confusionMatrix: countMatrix.refine(
    (rows) => rows.every(({ length }) => length === rows.length),
    "expected as many columns as rows",
  ),
  ...confusionMetrics.shape,
  /** Measures of the probabilities; null if probabilities were not requested. */
  scores: scoreMetrics.nullable(),
  /** Bootstrap interval of `averages.macro.f1`; null if none was requested. */
  macroF1Interval95: bootstrapInterval.nullable(),
});

/** How right the predictions were. Entries per class are in the order of the classes. */
export interface ResultCounts extends DeepReadonly<z.infer<typeof resultCounts>> {}

const predictedCounts = z.object({
  /** False: distinguishes it from the counts of labelled images. */
  labelled: z.literal(false),
  /** Images evaluated. */
  total: count,
  /** False if batches failed or the run was interrupted: the counts then cover the finished batches. */
  complete,
  /** `[k]`: images predicted as class k. */
  predictedCounts: z.array(count),
});

/** The counts of images without labels. */
export interface PredictedCounts extends DeepReadonly<z.infer<typeof predictedCounts>> {}

const predictionsFile = z.object({
  /** Absolute path. */
  path: z.string(),
  /** SHA-256, hex, of the file's bytes at the end of the evaluation. */
  sha256,
  /** `ndjson` or `csv`. */
  format: z.enum(PREDICTIONS_FORMATS),
});

/** The file with one line per image. */
export interface PredictionsFile extends DeepReadonly<z.infer<typeof predictionsFile>> {}

const groupCounts = z.object({
  /** Name of the group, as its file has it. */
  name: z.string(),
  /** Images of the group that were counted. */
  total: count,
  /** Images whose prediction is their label. */
  correct: count,
  /** correct ÷ total; null if no image was counted. */
  accuracy: share.nullable(),
  /** Wilson's interval of the accuracy; [0, 1] if no image was counted. */
  confidenceInterval95: shareInterval,
});

/** The counts of one group of images. */
export interface GroupCounts extends DeepReadonly<z.infer<typeof groupCounts>> {}

/**
 * Reading drops unknown keys, so that a later version can add fields under the same `schemaVersion`. The published JSON
 * Schema is stricter: it allows exactly what this version writes.
 */
export const resultSchema = z
  .object({
    /** Version of this document's format. */
    schemaVersion: z.literal(SCHEMA_VERSION),
    /** Facts that the numbers rest on although no file and no option states them. */
    assumptions: z.array(assumption).default([]),
    /** The data set, and the first evaluated image. */
    dataset: evaluatedDataset,
    /** The evaluated network. */
    network: evaluatedNetwork,
    /** How the work was divided. The result does not depend on it. */
    run: runFacts,
    /** The counts: the same for every executor, thread count and batch size, and for every engine except `onnx`. */
    result: z.discriminatedUnion("labelled", [resultCounts, predictedCounts]),
    /** Only with `--where`: `result` and `groups` count the images with these labels alone. */
    where: z
      .object({
        /** The labels of the images that count. */
        labels: z.array(count),
      })
      .optional(),
    /** Only with `--groups`: the counts of each group, by its name. */
    groups: z.array(groupCounts).optional(),
    /** Only in the answer of `--shard`: what `batchwise merge` adds. */
    shard: shardPart.optional(),
    /** Durations. The result does not depend on them. */
    timing,
    /** The file that `--predictions` wrote; null if none was written. */
    predictionsFile: predictionsFile.nullable(),
    /**
     * One entry per batch in the order of merging; over Redis, per range. Only if probabilities were requested; empty for a
     * merge. At most 10,000 entries; beyond that every 2ⁿ-th batch.
     */
    timeline: z.array(timelineEntry).optional(),
    /** Predicted class of each image, in order; only for images without labels. */
    predictions: z.array(count).optional(),
  })
  .meta({ title: "Batchwise: the result of an evaluation" });

/** An evaluation as its JSON file holds it. */
export interface ResultFile extends DeepReadonly<z.infer<typeof resultSchema>> {}

/** The result of an evaluation. `Result` is `ResultCounts`, or `PredictedCounts` if the images have no labels. */
export interface Evaluation<Result extends ResultCounts | PredictedCounts = ResultCounts>
  extends Omit<ResultFile, "result" | "timeline" | "predictions"> {
  /** The counts: the same for every executor, thread count and batch size, and for every engine except `onnx`. */
  readonly result: Result;
  /** As `ResultFile.timeline`; empty if probabilities were not requested. */
  readonly timeline: readonly TimelineEntry[];
  /**
   * (images) u16: predicted class of each evaluated image, in order. Valid only if `result.complete` and the run was not
   * resumed. Empty for more than 2²⁰ labelled images (use `onSlab`), for a merge, and for a run over Redis that
   * only counts.
   */
  readonly predictions: Uint16Array;
  /**
   * (images × classes) f64, row-major, in the order of `predictions`. Null if not requested, for a merge, and for more than
   * 2²⁰ values on one machine (use `onSlab`).
   */
  readonly probabilities: Float64Array | null;
}

/** An evaluation of images with or without labels: `result.labelled` is the discriminant. */
export type AnyEvaluation = Evaluation<ResultCounts | PredictedCounts>;
