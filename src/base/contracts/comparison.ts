/** The answer of `compare`: two networks over the same images. Its JSON is `comparisonSchema`. */
import * as z from "zod";
import {
  assumption,
  count,
  countMatrix,
  type DeepReadonly,
  milliseconds,
  share,
  shareInterval,
  signedShare,
} from "./fields.js";
import { evaluatedDataset, evaluatedNetwork } from "./result.js";
import { runFacts } from "./run-facts.js";

const comparisonRun = runFacts
  .pick({
    engine: true,
    threads: true,
    workersStarted: true,
    batchSize: true,
    retries: true,
    recomputed: true,
  })
  .extend({
    /** Why `simd` computed every image of a side in float64. */
    fallbacks: z.object({
      /** Null if the bound holds for A, A was not evaluated, or the engine is another. */
      a: z.string().nullable(),
      /** The same for B. */
      b: z.string().nullable(),
    }),
  });

/** How the networks were evaluated: in one pool, so that each count covers all of them. */
export interface ComparisonRun extends DeepReadonly<z.infer<typeof comparisonRun>> {}

const comparedSide = evaluatedNetwork.extend({
  /** Absolute path of the result whose predictions were read; null if the network was evaluated. */
  resultPath: z.string().nullable(),
});

/** One of the two networks, and where its predictions came from. */
export interface ComparedSide extends DeepReadonly<z.infer<typeof comparedSide>> {}

const sideScore = z.object({
  /** Images whose prediction is their label. */
  correct: count,
  /** correct ÷ the comparison's total; 0 if the total is 0. */
  accuracy: share,
  /** Wilson's interval of the accuracy; [0, 1] if no image was compared. */
  confidenceInterval95: shareInterval,
});

/** How right one side was. */
export interface SideScore extends DeepReadonly<z.infer<typeof sideScore>> {}

const comparisonResult = z.object({
  /** False if batches failed or the run was interrupted: the counts then cover the images that both sides answered. */
  complete: z.boolean(),
  /** Images compared. */
  total: count,
  /** Score of A. */
  a: sideScore,
  /** Score of B. */
  b: sideScore,
  /** A minus B. */
  difference: z.object({
    /** A's accuracy minus B's, −1 to 1; 0 if no image was compared. */
    accuracy: signedShare,
    /** Newcombe's interval for paired proportions, within [−1, 1]; [−1, 1] if no image was compared. */
    confidenceInterval95: z.tuple([signedShare, signedShare]),
  }),
  /** Images by which side is right. */
  right: z.object({
    /** Images that both have right. */
    both: count,
    /** Images that A has right and B wrong. */
    onlyA: count,
    /** Images that B has right and A wrong. */
    onlyB: count,
    /** Images that both have wrong. */
    neither: count,
  }),
  /** McNemar's exact two-sided test of `right.onlyA` against `right.onlyB`: 0 to 1; 1 if both are 0. */
  mcnemarPValue: share,
  /** Images that both predict as the same class, right or wrong. */
  agreed: count,
  /** (classes × classes) images: rows are A's predictions, columns B's. Classes: the larger number of the two. */
  agreementMatrix: countMatrix,
  /** Indices within the data set of the images of `right.onlyA`, ascending. */
  onlyARight: z.array(count),
  /** Indices within the data set of the images of `right.onlyB`, ascending. */
  onlyBRight: z.array(count),
});

/** The two sides, image by image: which side is right, and how often they agree. */
export interface ComparisonResult extends DeepReadonly<z.infer<typeof comparisonResult>> {}

export const comparisonSchema = z
  .object({
    /** Version of this document's format. */
    schemaVersion: z.literal(1),
    /** Facts that the numbers of either side rest on although no file and no option states them. */
    assumptions: z.array(assumption),
    /** The compared images; for two results, as A's result describes them. */
    dataset: evaluatedDataset,
    /** The side whose accuracy is the minuend of the difference. */
    a: comparedSide,
    /** The side whose accuracy is the subtrahend of the difference. */
    b: comparedSide,
    /** How the networks were evaluated; null if both sides are results. */
    run: comparisonRun.nullable(),
    /** The counts: the same for every engine, thread count and batch size. */
    result: comparisonResult,
    /** Durations in milliseconds, with microsecond digits. */
    timing: z.object({
      /** From the call to the answer. */
      totalMs: milliseconds,
      /** From the first dispatched batch to the last merged batch of all networks; 0 without a batch. */
      evaluateMs: milliseconds,
    }),
  })
  .meta({ title: "Batchwise: the comparison of two networks" });

/** The answer of `compare`. */
export interface Comparison extends DeepReadonly<z.infer<typeof comparisonSchema>> {}
