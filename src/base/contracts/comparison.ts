/** What a comparison of two networks over the same images answers; its JSON is this object. */
import type { Assumption } from "#src/base/assumptions.js";
import type { Evaluation, NetworkLocation } from "./result.js";
import type { RunFacts } from "./run.js";

/** Two networks, the images that they are compared over, and what came of it. */
export interface Comparison {
  /** Of the JSON's form; it moves on where a reader of the old one would misread the new. */
  readonly schemaVersion: 1;
  /** What the numbers of either side rest on although neither a file nor an option states it. */
  readonly assumptions: readonly Assumption[];
  /** The images that both are compared over; of two results, as A's result has it. */
  readonly dataset: Evaluation["dataset"];
  /** The side that differences are of. */
  readonly a: ComparedSide;
  /** The side that A is held against. */
  readonly b: ComparedSide;
  /** Null where nothing was evaluated, both being results. */
  readonly run: ComparisonRun | null;
  /** The same for every engine, thread count and batch size. */
  readonly result: ComparisonResult;
  /** How long it took, in milliseconds, to a microsecond. */
  readonly timing: {
    /** From the call to the answer. */
    readonly totalMs: number;
    /** From the first batch dispatched to the last merged, of all networks; 0 where there was none. */
    readonly evaluateMs: number;
  };
}

/** How the sides that are networks were evaluated: in one pool, so that counts are of all of them together. */
export interface ComparisonRun
  extends Pick<RunFacts, "engine" | "threads" | "workersStarted" | "batchSize" | "retries" | "recomputed"> {
  /** Why `simd` computed every image of a side in float64, where it did. */
  readonly fallbacks: {
    /** Null where A kept to the bound, was not evaluated, or the engine is another. */
    readonly a: string | null;
    /** The same of B. */
    readonly b: string | null;
  };
}

/** One of the two that are compared, and where its predictions came from. */
export interface ComparedSide {
  /** Of the network. */
  readonly name: string;
  /** SHA-256, hex, as `Network.sha256`. */
  readonly sha256: string;
  /** Units, from the inputs to the classes: `[784, 50, 100, 10]`. */
  readonly layers: readonly number[];
  /** As `Evaluation.network.activations`. */
  readonly activations: Evaluation["network"]["activations"];
  /** As `Evaluation.network.preprocessing`. */
  readonly preprocessing: Evaluation["network"]["preprocessing"];
  /** How to load it again; null where a program passed it loaded. */
  readonly location: NetworkLocation | null;
  /** Absolute path of the result whose predictions were read; null where the network was evaluated. */
  readonly resultPath: string | null;
}

/** The two sides, image by image: who was right, and how often they agree. */
export interface ComparisonResult {
  /** False where batches failed or the run was interrupted: then all is of the images that both have answered. */
  readonly complete: boolean;
  /** Images compared. */
  readonly total: number;
  /** How right A was. */
  readonly a: SideScore;
  /** How right B was. */
  readonly b: SideScore;
  /** By how much A is the better one. */
  readonly difference: {
    /** A's accuracy minus B's, −1 to 1; 0 where no image was compared. */
    readonly accuracy: number;
    /** Newcombe's interval for paired proportions, within [−1, 1], which it is where no image was compared. */
    readonly confidenceInterval95: readonly [low: number, high: number];
  };
  /** Images by who predicted the label. */
  readonly right: {
    /** Images that both have right. */
    readonly both: number;
    /** Images that A has right and B wrong. */
    readonly onlyA: number;
    /** Images that B has right and A wrong. */
    readonly onlyB: number;
    /** Images that both have wrong. */
    readonly neither: number;
  };
  /** McNemar's exact test of `right.onlyA` against `right.onlyB`, two-sided: 0 to 1; 1 where both are 0. */
  readonly mcnemarPValue: number;
  /** Images that both predict as the same class, rightly or not. */
  readonly agreed: number;
  /** (classes × classes) images: rows are A's predictions, columns B's; of two numbers of classes, the larger. */
  readonly agreementMatrix: readonly (readonly number[])[];
  /** The images of `right.onlyA`, as indices within the data set, ascending. */
  readonly onlyARight: readonly number[];
  /** The images of `right.onlyB`, likewise. */
  readonly onlyBRight: readonly number[];
}

/** How right one side was. */
export interface SideScore {
  /** Images whose prediction is their label. */
  readonly correct: number;
  /** correct ÷ the comparison's total; 0 where that is 0. */
  readonly accuracy: number;
  /** Wilson's interval of the accuracy; [0, 1] where no image was compared. */
  readonly confidenceInterval95: readonly [low: number, high: number];
}
