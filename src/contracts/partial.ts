/** What was counted over a range of images, as integers: parts of a run add, in any order, to the whole. */
import type { ImageRange } from "./dataset.js";
import type { RunIdentity } from "./identity.js";

/** The counts of a range of images. Goes through JSON as it is. */
export interface PartialCounts extends ImageRange {
  /** Images whose prediction is their label. */
  readonly correct: number;
  /** Images counted; `limit` where none of the range is missing. */
  readonly total: number;
  /** Rows are labels, columns predictions. */
  readonly confusionMatrix: readonly (readonly number[])[];
  /** Null where probabilities were not asked for. */
  readonly scores: SerialisedScoreSums | null;
  /** Images that the engine computed again to be certain. */
  readonly recomputed: number;
}

/** ScoreSums with their BigInts as decimal digits. */
export interface SerialisedScoreSums {
  readonly logLoss: string;
  readonly brier: string;
  readonly labelRanks: readonly number[];
  readonly bins: readonly {
    readonly total: number;
    readonly correct: number;
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
  readonly identity: RunIdentity;
  /** SHA-256 of the identity. */
  readonly key: string;
  /** Of the images of this shard. */
  readonly counts: PartialCounts;
}
