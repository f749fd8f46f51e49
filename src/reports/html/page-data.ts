/** What the page is handed: the evaluation, cut to what is shown; a leaf, for Node.js writes it and the browser reads it. */

import type { Comparison, ComparisonResult } from "#src/base/contracts/comparison.js";
import type { ImageShape } from "#src/base/contracts/dataset.js";
import type { Evaluation } from "#src/base/contracts/result.js";

export interface PageData extends Pick<ReportedEvaluation, "assumptions" | "network" | "run" | "timing"> {
  readonly kind: "evaluation";
  readonly dataset: Omit<ReportedEvaluation["dataset"], "classNames">;
  readonly result: Omit<ReportedEvaluation["result"], "confusionMatrix">;
  /** One a class. */
  readonly classNames: readonly string[];
  readonly matrix: MatrixData;
  readonly images: readonly PageImage[];
  readonly shape: ImageShape;
  readonly limits: ImageLimits;
  readonly latency: readonly LatencyBin[];
  readonly timeline: TimelineData;
}

/** The rows and columns of the classes shown; totals are of all classes. */
export interface MatrixData {
  readonly classes: readonly number[];
  readonly counts: readonly (readonly number[])[];
  readonly rowTotals: readonly number[];
  readonly columnTotals: readonly number[];
  /** The largest cells beside the diagonal, among all classes. */
  readonly frequent: readonly MatrixCell[];
}

/** `row` and `column` are classes. */
export interface MatrixCell {
  readonly row: number;
  readonly column: number;
  readonly count: number;
}

/** Its pixels lie in the pixel block in the order of `images`. */
export interface PageImage {
  readonly index: number;
  readonly label: number;
  readonly prediction: number;
  readonly probabilities: readonly (readonly [label: number, probability: number])[];
}

/** Batches that took from `fromMs` up to `toMs`. */
export interface LatencyBin {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** The first batches of those that the evaluation kept, one a row. */
export interface TimelineData {
  /** Batches of the run; over Redis, ranges. 0 where none were kept. */
  readonly total: number;
  readonly kept: number;
  readonly batches: readonly (readonly [batch: number, thread: number, startMs: number, elapsedMs: number])[];
}

/** Ids of the two blocks in the document. */
export const DATA_ID = "report-data";
/** Deflated (RFC 1950), then base64: (images × rows × columns) u8. */
export const PIXELS_ID = "report-pixels";

// What the page of a comparison is handed; a leaf, for Node.js writes it and the browser reads it.

export interface ComparisonPageData extends Pick<Comparison, "assumptions" | "run" | "timing"> {
  readonly kind: "comparison";
  readonly dataset: Omit<Comparison["dataset"], "classNames" | "location">;
  readonly a: PageSide;
  readonly b: PageSide;
  readonly result: Omit<ComparisonResult, "agreementMatrix" | "onlyARight" | "onlyBRight">;
  /** One a class. */
  readonly classNames: readonly string[];
  /** Rows are A's predictions, columns B's. */
  readonly matrix: MatrixData;
  /** One a class that is a label. */
  readonly perClass: readonly ClassScores[];
  /** In the data's order; their pixels lie in the pixel block in the same. */
  readonly images: readonly ComparedImage[];
  readonly shape: ImageShape;
  readonly limits: ImageLimits;
}

export interface PageSide {
  readonly name: string;
  readonly sha256: string;
  readonly layers: readonly number[];
  /** Where its predictions are from. */
  readonly source: "evaluated" | "result";
}

/** Images that have the label, and on how many of them each is right. */
export interface ClassScores {
  readonly label: number;
  readonly support: number;
  readonly a: number;
  readonly b: number;
}

/** What each of both predicts. */
export interface ComparedImage {
  readonly index: number;
  readonly label: number;
  readonly a: number;
  readonly b: number;
}

// What a page is handed: its `kind` says which page it is.

export type AnyPageData = PageData | ComparisonPageData;

// What the HTML report is made from.

/** An evaluation of labelled images, from memory or from its JSON; where things lie on this machine is not told. */
export interface ReportedEvaluation extends Pick<Evaluation, "assumptions" | "run" | "result" | "timing"> {
  readonly dataset: Omit<Evaluation["dataset"], "location">;
  readonly network: Omit<Evaluation["network"], "location">;
  /** Absent or empty where it was not kept. */
  readonly timeline?: Evaluation["timeline"] | undefined;
}

export interface ReportInput {
  readonly evaluation: ReportedEvaluation;
  readonly shape: ImageShape;
  readonly chosen: ChosenImages;
}

export interface ChosenImages {
  /** The mistakes, most confident first, then the right ones, least confident first; of equals, in the data's order. */
  readonly images: readonly ChosenImage[];
  readonly limits: ImageLimits;
}

export interface ChosenImage {
  /** Within the whole data set. */
  readonly index: number;
  readonly label: number;
  readonly prediction: number;
  /** (rows × columns) u8, row-major. */
  readonly pixels: Uint8Array;
  /** The most probable classes, the prediction first; the label's is among them where it is known. */
  readonly probabilities: readonly ClassProbability[];
}

export interface ClassProbability {
  readonly label: number;
  readonly probability: number;
}

/** How many images a report holds at most. */
export interface ImageLimits {
  /** The most confident mistakes. */
  readonly mistakes: number;
  /** The least confident of the right predictions, per class. */
  readonly rightPerClass: number;
}
