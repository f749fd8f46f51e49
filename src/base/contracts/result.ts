/** What an evaluation answers; the JSON report is this object without what is of each image alone. */
import type { Assumption } from "./assumption.js";
import type { DatasetView, Split } from "./dataset.js";
import type { ConfusionMetrics, ScoreMetrics } from "./metrics.js";
import type { Activation } from "./network.js";
import type { ShardPart } from "./partial.js";
import type { PredictionsFormat } from "./predictions.js";
import type { Normalization, Preprocessing } from "./preprocessing.js";
import type { RunFacts, TimelineEntry, Timing } from "./run.js";

/** An evaluation's answer. `Result` is `ResultCounts`, or `PredictedCounts` where the images have no labels. */
export interface Evaluation<Result extends ResultCounts | PredictedCounts = ResultCounts> {
  /** Of the JSON's form; it moves on where a reader of the old one would misread the new. */
  readonly schemaVersion: 1;
  /** What the numbers rest on although neither a file nor an option states it. */
  readonly assumptions: readonly Assumption[];
  /** The data set, and where in it the images evaluated begin. */
  readonly dataset: {
    /** As `Dataset.name`. */
    readonly name: string;
    /** As `Dataset.split`. */
    readonly split: Split;
    /** Hex, as `Dataset.sha256`. */
    readonly sha256: string;
    /** Images in the whole set; `result.total` counts those evaluated. */
    readonly total: number;
    /** Index of the first image evaluated, from 0. */
    readonly offset: number;
    /** One a class, in order; null where none were given. */
    readonly classNames: readonly string[] | null;
    /** As `Dataset.view`. */
    readonly view: DatasetView;
    /** Null where a program passed the set opened. */
    readonly location: DatasetLocation | null;
  };
  /** The network that was evaluated. */
  readonly network: {
    /** As `Network.name`. */
    readonly name: string;
    /** Hex, as `Network.sha256`. */
    readonly sha256: string;
    /** Units, from the inputs to the classes: `[784, 50, 100, 10]`; of an ONNX model run whole, its two ends. */
    readonly layers: readonly number[];
    /** The activation of each layer; null for an ONNX model that is run whole. */
    readonly activations: readonly Activation[] | null;
    /** What pixels go through before the first layer; null in the file of a version that did not write it. */
    readonly preprocessing: Preprocessing | null;
    /** Null where a program passed it loaded. */
    readonly location: NetworkLocation | null;
  };
  /** How it ran: nothing that the result depends on. */
  readonly run: RunFacts;
  /** The same for every engine, executor, thread count and batch size. */
  readonly result: Result;
  /** Of a shard's answer alone. */
  readonly shard?: ShardPart | undefined;
  /** How long it took; nothing that the result depends on. */
  readonly timing: Timing;
  /** Where the command line wrote the predictions; null where it did not. */
  readonly predictionsFile: PredictionsFile | null;
  /**
   * Batch by batch as they were merged, of a run over Redis range by range; empty where probabilities were not asked for,
   * and of a merge. Of more than 10,000 those whose number is a multiple of the least power of two that leaves no more.
   */
  readonly timeline: readonly TimelineEntry[];
  /**
   * (images) u16: predicted class of each image evaluated, in order; of use only where `result.complete`, and not of a
   * resumed run. Empty for labelled images of a set larger than memory, where `onSlab` has them, of a merge, and of a run
   * over Redis that was asked for counts alone.
   */
  readonly predictions: Uint16Array;
  /**
   * (images × classes) f64, row-major, as `predictions`; null where they were not asked for, of a merge, and of a set
   * larger than memory, where `onSlab` has them.
   */
  readonly probabilities: Float64Array | null;
}

/** How to open the data again: names as they were given, paths absolute. */
export interface DatasetLocation {
  /** A name such as `mnist`; else the path of a folder, a file or a pattern of files, absolute. */
  readonly dataset: string;
  /** The label file, absolute; null where the set brings its own, or was evaluated without. */
  readonly labels: string | null;
  /** The file of class names, absolute; null where none was given. */
  readonly classes: string | null;
}

/** How to load the network again: its name as it was given, or its path, absolute; and what its file did not say. */
export interface NetworkLocation {
  /** A name such as `book`; else the path of a file or a folder, absolute. */
  readonly weights: string;
  /** As it was asked for; null where it was not. */
  readonly activation: string | null;
  /** As it was asked for; null where it was not. */
  readonly normalize: Normalization | null;
  /** The mean of pixels ÷ 255 that was given; null where none was. */
  readonly mean: number | null;
  /** The standard deviation of pixels ÷ 255 that was given; null where none was. */
  readonly std: number | null;
}

/** The file of one line an image, as it was when the evaluation ended. */
export interface PredictionsFile {
  /** Absolute. */
  readonly path: string;
  /** SHA-256, hex, of its bytes. */
  readonly sha256: string;
  /** `ndjson` or `csv`, by the file's ending. */
  readonly format: PredictionsFormat;
}

/** How right the predictions were; what is of each class is in the order of the classes. */
export interface ResultCounts extends ConfusionMetrics {
  /** Tells it from `PredictedCounts`. */
  readonly labelled: true;
  /** correct ÷ total; 0 where nothing was evaluated. */
  readonly accuracy: number;
  /** Images whose prediction is their label. */
  readonly correct: number;
  /** Images evaluated. */
  readonly total: number;
  /** False where batches failed or the run was interrupted: then the counts are of the batches that were done. */
  readonly complete: boolean;
  /** Wilson's interval of the accuracy; [0, 1] where nothing was evaluated. */
  readonly confidenceInterval95: readonly [low: number, high: number];
  /** (classes × classes) images: rows are labels, columns predictions. */
  readonly confusionMatrix: readonly (readonly number[])[];
  /** Null where probabilities were not asked for. */
  readonly scores: ScoreMetrics | null;
  /** Bootstrap interval of `averages.macro.f1`; null where none was asked for. */
  readonly macroF1Interval95: BootstrapInterval | null;
}

/** The middle 95 % of macro F1 over draws of the evaluated images, with replacement; the same for the same seed. */
export interface BootstrapInterval {
  /** The draws' 2.5 % quantile by nearest rank; 0 where nothing was evaluated. */
  readonly low: number;
  /** The draws' 97.5 % quantile by nearest rank; 1 where nothing was evaluated. */
  readonly high: number;
  /** Draws, of as many images each as were evaluated. */
  readonly resamples: number;
  /** Of the draws: 0 to 2³² − 1. */
  readonly seed: number;
}

/** Of images without labels. */
export interface PredictedCounts {
  /** Tells it from `ResultCounts`. */
  readonly labelled: false;
  /** Images evaluated. */
  readonly total: number;
  /** False where batches failed or the run was interrupted. */
  readonly complete: boolean;
  /** `[k]`: images predicted as class k. */
  readonly predictedCounts: readonly number[];
}

/** An evaluation of images with labels or without: `result.labelled` tells which. */
export type AnyEvaluation = Evaluation<ResultCounts | PredictedCounts>;
