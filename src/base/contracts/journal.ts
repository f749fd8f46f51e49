/** What makes two runs the same run: all that its answer depends on, and nothing else. */

import type { DatasetView, ImageRange } from "./dataset.js";
import type { Activation, EngineName, Preprocessing } from "./network.js";

/**
 * What two runs that are the same run have in common. Threads, batch size, retries and whatever else leaves every
 * integer as it is are not part of it.
 */
export interface RunIdentity {
  /** The package's version. */
  readonly batchwise: string;
  /** SHA-256, hex, as `Dataset.sha256`. */
  readonly dataset: string;
  /** How the pictures and labels were changed. */
  readonly view: DatasetView;
  /** SHA-256, hex, as `Network.sha256`. */
  readonly network: string;
  /** `float64` for all that predict the same; the engine itself where last digits may differ. */
  readonly arithmetic: "float64" | EngineName;
  /** What the network's pixels go through, with all of its numbers. */
  readonly preprocessing: Preprocessing;
  /** Of each layer; null for a model of any operators, whose hash covers it. */
  readonly activations: readonly Activation[] | null;
  /** Whether predictions are held against labels. */
  readonly labelled: boolean;
  /** Outputs of the network. */
  readonly classes: number;
  /** The first image of the whole run, of which a shard is a part. */
  readonly offset: number;
  /** Images of the whole run. */
  readonly limit: number;
  /** Whether they were asked for. */
  readonly probabilities: boolean;
  /** The k asked for; null where none was, which means 5 or as many as there are classes. */
  readonly topK: number | null;
  /** Resamples; 0 where no interval was asked for. */
  readonly bootstrap: number;
  /** Of the bootstrap. */
  readonly seed: number;
}

// What was counted over a range of images, as integers: parts of a run add, in any order, to the whole.

/** The counts of a range of images. Goes through JSON as it is. */
export interface PartialCounts extends ImageRange {
  /** Images whose prediction is their label. */
  readonly correct: number;
  /** Images counted; `limit` where none of the range is missing. */
  readonly total: number;
  /** (classes × classes) images: rows are labels, columns predictions. */
  readonly confusionMatrix: readonly (readonly number[])[];
  /** Null where probabilities were not asked for. */
  readonly scores: SerialisedScoreSums | null;
  /** Images that the engine computed again to be certain. */
  readonly recomputed: number;
}

/** ScoreSums with their BigInts as decimal digits. */
export interface SerialisedScoreSums {
  /** −ln p(label) summed, in units of 2⁻³². */
  readonly logLoss: string;
  /** Σₖ (pₖ − [k = label])² summed, in units of 2⁻³². */
  readonly brier: string;
  /** The first k add to the images that count for top-k accuracy; `[1]` can be below 0 (ScoreSums). */
  readonly labelRanks: readonly number[];
  /** 15 of equal width over 0..1, by the predicted class's probability. */
  readonly bins: readonly {
    /** Images in the bin. */
    readonly total: number;
    /** Images in the bin that are right. */
    readonly correct: number;
    /** Their predicted classes' probabilities summed, in units of 2⁻³². */
    readonly confidence: string;
  }[];
}

/** One of `count` parts of about the same size that a run's images are cut into. */
export interface Shard {
  /** From 1. */
  readonly index: number;
  /** Of how many. */
  readonly count: number;
}

/** What the answer of a shard says of the run that it is a part of, so that it can be merged with the others. */
export interface ShardPart extends Shard {
  /** Of the whole run: the same in all of its parts. */
  readonly identity: RunIdentity;
  /** SHA-256, hex, of the identity. */
  readonly key: string;
  /** Of the images of this shard. */
  readonly counts: PartialCounts;
}

// What a journal holds: a header, then a line for each range of images that was done.

export interface JournalHeader {
  readonly journal: "batchwise";
  readonly version: 1;
  readonly identity: RunIdentity;
  /** SHA-256 of the identity. */
  readonly key: string;
  /** The images of this run: a shard's of the identity's. */
  readonly range: ImageRange;
  /** Null where the run writes none. */
  readonly predictions: OutputFacts | null;
}

/** `limit` images from `offset` are done: all of them are counted. */
export interface JournalLine extends PartialCounts {
  /** What the predictions file held then; null where the run writes none. */
  readonly predictions: Pick<OutputPosition, "bytes" | "sha256"> | null;
}

/** What of an output must be the same for a run to go on. */
export interface OutputFacts {
  /** Without its folder, which another machine may have mounted elsewhere. */
  readonly file: string;
  /** `ndjson` or `csv`. */
  readonly format: PredictionsFormat;
  /** Classes of each line's `topK`. */
  readonly topK: number;
}

/** How far an output has come. */
export interface OutputPosition {
  /** All images before it are written, in order. */
  readonly nextImage: number;
  /** How long the file is. */
  readonly bytes: number;
  /** Of these bytes. */
  readonly sha256: string;
}

/** A file that grows beside a journal: what the journal says of it is on the disk before the journal says it. */
export interface DurableOutput {
  /** Written into the journal's header, and held against it when the run is taken up again. */
  readonly facts: OutputFacts;
  /**
   * Goes on behind `position`, and drops what lies behind it; null: from the start of `range`. Throws FileError
   * ERR_JOURNAL_PREDICTIONS where the file is not what it was.
   */
  begin(range: ImageRange, position: OutputPosition | null): Promise<void>;
  /** What is on the disk for good, after waiting for it; null where it could not be written. */
  sync(): Promise<OutputPosition | null>;
}

/** What a predictions file says of each image; one line an image, in order. */

export const PREDICTIONS_FORMATS = ["ndjson", "csv"] as const;
export type PredictionsFormat = (typeof PREDICTIONS_FORMATS)[number];

export interface ClassProbability {
  readonly class: number;
  readonly probability: number;
}

export interface Prediction {
  /** Within the data set. */
  readonly index: number;
  /** Null, as is `correct`, where the images have no labels. */
  readonly label: number | null;
  readonly prediction: number;
  /** Of the predicted class. */
  readonly probability: number;
  /** The most probable classes, most probable first; of equals, the lower class comes first. */
  readonly topK: readonly ClassProbability[];
  readonly correct: boolean | null;
}
