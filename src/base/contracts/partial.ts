/** What was counted over a range of images, as integers: parts of a run add, in any order, to the whole. */
import type { ImageRange } from "./dataset.js";
import type { RunIdentity } from "./identity.js";

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
