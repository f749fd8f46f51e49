/** What an evaluation answers; the JSON report is this object without `predictions`. */
import type { EngineName } from "./engine.js";
import type { Normalization } from "./preprocessing.js";

export interface Evaluation<Result extends ResultCounts | PredictedCounts = ResultCounts> {
  readonly schemaVersion: 1;
  readonly dataset: {
    readonly name: string;
    readonly split: string;
    readonly sha256: string;
    /** Images in the whole set; `result.total` counts those evaluated. */
    readonly total: number;
    readonly offset: number;
    readonly classNames: readonly string[] | null;
  };
  readonly network: { readonly name: string; readonly sha256: string; readonly layers: readonly number[] };
  readonly run: RunFacts;
  /** The same for every engine, executor, thread count and batch size. */
  readonly result: Result;
  readonly timing: Timing;
  /** Predicted class of each image evaluated, in order; of use only where `result.complete`. */
  readonly predictions: Uint16Array;
}

export interface RunFacts {
  readonly engine: EngineName;
  readonly executor: "local" | "inline";
  /** As asked for. Workers started (replacements included) are never more than there are tasks. */
  readonly threads: number;
  readonly workersStarted: number;
  /** Index 0 is the coordinator's own thread. */
  readonly batchesByThread: readonly number[];
  readonly batchSize: number;
  readonly batches: number;
  readonly retries: number;
  readonly recomputed: number;
  readonly normalize: Normalization;
  readonly node: string;
  readonly cpu: string;
}

export interface ResultCounts {
  readonly labelled: true;
  /** correct ÷ total; 0 where nothing was evaluated. */
  readonly accuracy: number;
  readonly correct: number;
  readonly total: number;
  /** False where batches failed or the run was interrupted: then the counts are of the batches that were done. */
  readonly complete: boolean;
  /** Wilson's interval. */
  readonly confidenceInterval95: readonly [low: number, high: number];
  /** Rows are labels, columns predictions. */
  readonly confusionMatrix: readonly (readonly number[])[];
}

/** Of images without labels. */
export interface PredictedCounts {
  readonly labelled: false;
  readonly total: number;
  readonly complete: boolean;
  /** How many images were predicted as each class. */
  readonly predictedCounts: readonly number[];
}

export type AnyEvaluation = Evaluation<ResultCounts | PredictedCounts>;

export interface Timing {
  readonly totalMs: number;
  readonly loadMs: number;
  /** From the pool's creation to its first worker ready. */
  readonly startPoolMs: number;
  /** From the first batch dispatched to the last merged. */
  readonly evaluateMs: number;
  /** Images over `evaluateMs`. */
  readonly imagesPerSecond: number;
  readonly batchLatencyMs: { readonly p50: number; readonly p90: number; readonly p99: number };
}
