/** What an evaluation answers; the JSON report is this object without what is of each image alone. */

import type { Assumption } from "#src/base/assumptions.js";
import type { DatasetView, Split } from "./dataset.js";
import type { PredictionsFormat, ShardPart } from "./journal.js";
import type { Activation, Normalization, Preprocessing } from "./network.js";
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

/** What is computed from merged integers: measures of classification, as scikit-learn defines them. */

/** How right the predictions were of one class. */
export interface ClassMetrics {
  /** The class, from 0. */
  readonly label: number;
  /** Images with this label. */
  readonly support: number;
  /** Images predicted as this class. */
  readonly predicted: number;
  /** Share of the images predicted as this class that have this label; null where nothing was predicted as it. */
  readonly precision: number | null;
  /** Share of the images with this label that were predicted as this class; null where no image has this label. */
  readonly recall: number | null;
  /** Harmonic mean of both, 0 where no image is right; null where neither has a value. */
  readonly f1: number | null;
}

/** Means over classes, of which a null counts as 0; each is 0 to 1, and 0 where nothing was evaluated. */
export interface ClassAverages {
  /** Mean of the classes' precision. */
  readonly precision: number;
  /** Mean of the classes' recall. */
  readonly recall: number;
  /** Mean of the classes' F1, which need not be the F1 of the two other means. */
  readonly f1: number;
}

/** What the confusion matrix alone says. */
export interface ConfusionMetrics {
  /** By class, from 0. */
  readonly perClass: readonly ClassMetrics[];
  /** Of all classes in three ways, as scikit-learn's `average` of the same names. */
  readonly averages: {
    /** Over the classes that occur as a label or a prediction, each alike. */
    readonly macro: ClassAverages;
    /** Over all images: all three are the accuracy. */
    readonly micro: ClassAverages;
    /** Over the classes, by support. */
    readonly weighted: ClassAverages;
  };
  /** Mean recall of the classes that have images; null where nothing was evaluated. */
  readonly balancedAccuracy: number | null;
  /** −1 to 1; null where chance alone would agree on every image, or nothing was evaluated. */
  readonly cohensKappa: number | null;
  /** −1 to 1; 0 where labels or predictions are all of one class, or nothing was evaluated. */
  readonly matthewsCorrelation: number;
}

/** What probabilities say, beyond the predicted class; each measure is 0 where nothing was evaluated. */
export interface ScoreMetrics {
  /** Mean over images of −ln p(label), where p counts as at least 2⁻⁵²: 0 to 36.05. */
  readonly logLoss: number;
  /** Mean over images of Σₖ (pₖ − [k = label])²: 0 to 2. */
  readonly brierScore: number;
  /** Σ over bins of (images of the bin ÷ all images) · |accuracy − meanConfidence|: 0 to 1. */
  readonly expectedCalibrationError: number;
  /** 15 bins of equal width over 0..1, ascending. */
  readonly reliability: readonly ReliabilityBin[];
  /**
   * How often the label is among the k classes with the largest logits. For k = 1 this is the accuracy: of equal logits the
   * lowest class is predicted, as by NumPy's argmax. For k ≥ 2 the highest of equals comes first, as in scikit-learn's
   * top_k_accuracy_score; where logits are equal, top-2 can therefore be below top-1.
   */
  readonly topK: {
    /** As asked for, or 5; at most the number of classes. */
    readonly k: number;
    /** Images whose label is among the k. */
    readonly correct: number;
    /** correct ÷ images evaluated. */
    readonly accuracy: number;
  };
}

/** Images whose predicted class has a probability above `from` and up to `to`; the first bin has 0 too. */
export interface ReliabilityBin {
  /** n ÷ 15, of the n-th bin from 0. */
  readonly from: number;
  /** (n + 1) ÷ 15. */
  readonly to: number;
  /** Images in the bin. */
  readonly total: number;
  /** Share of them that are right; null where the bin is empty. */
  readonly accuracy: number | null;
  /** Mean probability of the predicted class; null where the bin is empty. */
  readonly meanConfidence: number | null;
}

/** Sums over images of what their probabilities say; each is an integer, so that they add in any order to the same. */

/** Fractions are counted in units of 2⁻³²: each image's value is rounded once, before it is added. */
export const UNITS_PER_ONE = 2 ** 32;

export interface ScoreSums {
  /** −ln p(label), in units. */
  readonly logLoss: bigint;
  /** Σₖ (pₖ − [k = label])², in units. */
  readonly brier: bigint;
  /**
   * (classes): its first k add to the images that count for top-k accuracy. For k = 1 these are the right ones, whose label is
   * the lowest of the classes with the largest logit. For k ≥ 2 they are those that scikit-learn's top_k_accuracy_score
   * counts, which prefers the highest of equals; so that [1] is below 0 where many images have equal logits.
   */
  readonly labelRanks: readonly number[];
  /** By the predicted class's probability, in bins of equal width over 0..1. */
  readonly bins: readonly ScoreBin[];
}

export interface ScoreBin {
  readonly total: number;
  readonly correct: number;
  /** The predicted class's probability, in units. */
  readonly confidence: bigint;
}
