/** What a comparison of two networks over the same images answers; its JSON is this object. */
import type { Evaluation, NetworkLocation } from "./result.js";
import type { RunFacts } from "./run.js";

/** Two networks, the images that they are compared over, and what came of it. */
export interface Comparison {
  /** Of the JSON's form; it moves on where a reader of the old one would misread the new. */
  readonly schemaVersion: 1;
  readonly dataset: Evaluation["dataset"];
  readonly a: ComparedSide;
  readonly b: ComparedSide;
  /** Null where nothing was evaluated, both being results. */
  readonly run: Pick<RunFacts, "engine" | "threads" | "workersStarted" | "batchSize" | "retries"> | null;
  /** The same for every engine, thread count and batch size. */
  readonly result: ComparisonResult;
  readonly timing: {
    /** From the call to the answer. */
    readonly totalMs: number;
    /** From the first batch dispatched to the last merged, of all networks; 0 where there was none. */
    readonly evaluateMs: number;
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
  /** How to load it again; null where a program passed it loaded. */
  readonly location: NetworkLocation | null;
  /** Absolute path of the result that its predictions were read of; null where it was evaluated. */
  readonly resultPath: string | null;
}

/** The two sides, image by image: who was right, and how often they agree. */
export interface ComparisonResult {
  /** False where batches failed or the run was interrupted: then all is of the images that both have answered. */
  readonly complete: boolean;
  /** Images compared. */
  readonly total: number;
  readonly a: SideScore;
  readonly b: SideScore;
  /** A's accuracy minus B's, with Newcombe's interval for paired proportions. */
  readonly difference: {
    readonly accuracy: number;
    readonly confidenceInterval95: readonly [low: number, high: number];
  };
  /** Images by who predicted the label. */
  readonly right: {
    readonly both: number;
    readonly onlyA: number;
    readonly onlyB: number;
    readonly neither: number;
  };
  /** McNemar's exact test of `onlyA` against `onlyB`, two-sided. */
  readonly mcnemarPValue: number;
  /** Images that both predict as the same class, rightly or not. */
  readonly agreed: number;
  /** Rows are A's predictions, columns B's. */
  readonly agreementMatrix: readonly (readonly number[])[];
  /** Indices within the data set, ascending. */
  readonly onlyARight: readonly number[];
  /** As `onlyARight`. */
  readonly onlyBRight: readonly number[];
}

/** How right one side was. */
export interface SideScore {
  /** Images whose prediction is their label. */
  readonly correct: number;
  /** correct ÷ the comparison's total; 0 where that is 0. */
  readonly accuracy: number;
  /** Wilson's. */
  readonly confidenceInterval95: readonly [low: number, high: number];
}
