/** Data of the HTML pages. Node.js writes them and the browser reads them, so this file imports only types. */

import type { Comparison, ComparisonResult } from "#src/base/contracts/comparison.js";
import type { ImageShape } from "#src/base/contracts/dataset.js";
import type { Evaluation } from "#src/base/contracts/result.js";

/** Data of an evaluation's page, reduced to what the page shows. */
export interface PageData extends Pick<ReportedEvaluation, "assumptions" | "network" | "run" | "timing"> {
  readonly kind: "evaluation";
  readonly dataset: Omit<ReportedEvaluation["dataset"], "classNames">;
  readonly result: Omit<ReportedEvaluation["result"], "confusionMatrix">;
  /** Labels of the images that are counted; absent if all are. */
  readonly where?: ReportedEvaluation["where"];
  /** Counts by group; absent without groups. */
  readonly groups?: ReportedEvaluation["groups"];
  /** One per class. */
  readonly classNames: readonly string[];
  readonly matrix: MatrixData;
  readonly images: readonly PageImage[];
  readonly shape: ImageShape;
  readonly limits: ImageLimits;
  readonly latency: readonly LatencyBin[];
  readonly timeline: TimelineData;
}

/** Rows and columns of the classes shown. Totals include all classes. */
export interface MatrixData {
  readonly classes: readonly number[];
  readonly counts: readonly (readonly number[])[];
  readonly rowTotals: readonly number[];
  readonly columnTotals: readonly number[];
  /** The largest cells off the diagonal, among all classes. */
  readonly frequent: readonly MatrixCell[];
}

/** `row` and `column` are classes. */
export interface MatrixCell {
  readonly row: number;
  readonly column: number;
  readonly count: number;
}

/** An image. The block of pixels has the order of `images`. */
export interface PageImage {
  readonly index: number;
  readonly label: number;
  readonly prediction: number;
  readonly probabilities: readonly (readonly [label: number, probability: number])[];
}

/** Number of batches with a latency from `fromMs` to `toMs`. */
export interface LatencyBin {
  readonly fromMs: number;
  readonly toMs: number;
  readonly count: number;
}

/** The first of the kept batches, one per row. */
export interface TimelineData {
  /** Number of batches of the run, or of ranges over Redis. 0 if none were kept. */
  readonly total: number;
  readonly kept: number;
  readonly batches: readonly (readonly [batch: number, thread: number, startMs: number, elapsedMs: number])[];
}

/** Ids of the two blocks in the document. */
export const DATA_ID = "report-data";
/** Deflated (RFC 1950), then base64: (images × rows × columns × channels) u8. */
export const PIXELS_ID = "report-pixels";

/** Data of a comparison's page. */
export interface ComparisonPageData extends Pick<Comparison, "assumptions" | "run" | "timing"> {
  readonly kind: "comparison";
  readonly dataset: Omit<Comparison["dataset"], "classNames" | "location">;
  readonly a: PageSide;
  readonly b: PageSide;
  readonly result: Omit<ComparisonResult, "agreementMatrix" | "onlyARight" | "onlyBRight">;
  /** One per class. */
  readonly classNames: readonly string[];
  /** Rows are A's predictions, columns B's. */
  readonly matrix: MatrixData;
  /** One per class that is a label. */
  readonly perClass: readonly ClassScores[];
  /** Images in the order of the data. The block of pixels has the same order. */
  readonly images: readonly ComparedImage[];
  readonly shape: ImageShape;
  readonly limits: ImageLimits;
}

export interface PageSide {
  readonly name: string;
  readonly sha256: string;
  readonly layers: readonly number[];
  /** Source of the predictions: this run, or a result file. */
  readonly source: "evaluated" | "result";
}

/** `support`: images with the label. `a` and `b`: images that the side predicts right. */
export interface ClassScores {
  readonly label: number;
  readonly support: number;
  readonly a: number;
  readonly b: number;
}

/** An image with the predictions of both sides. */
export interface ComparedImage {
  readonly index: number;
  readonly label: number;
  readonly a: number;
  readonly b: number;
}

/** Data of a page; `kind` tells which page. */
export type AnyPageData = PageData | ComparisonPageData;

/** An evaluation of labelled images, from memory or from its JSON, without paths of this machine. */
export interface ReportedEvaluation
  extends Pick<Evaluation, "assumptions" | "run" | "result" | "timing" | "where" | "groups"> {
  readonly dataset: Omit<Evaluation["dataset"], "location">;
  readonly network: Omit<Evaluation["network"], "location">;
  /** Absent or empty if it was not kept. */
  readonly timeline?: Evaluation["timeline"] | undefined;
}

export interface ReportInput {
  readonly evaluation: ReportedEvaluation;
  readonly shape: ImageShape;
  readonly chosen: ChosenImages;
}

export interface ChosenImages {
  /** Mistakes by descending confidence, then correct predictions by ascending confidence. Ties keep the order of the data. */
  readonly images: readonly ChosenImage[];
  readonly limits: ImageLimits;
}

export interface ChosenImage {
  /** Index within the whole data set. */
  readonly index: number;
  readonly label: number;
  readonly prediction: number;
  /** (rows × columns × channels) u8, row-major. */
  readonly pixels: Uint8Array;
  /** The most probable classes, the predicted one first. The label is included if its probability is known. */
  readonly probabilities: readonly ClassProbability[];
}

export interface ClassProbability {
  readonly label: number;
  readonly probability: number;
}

/** Most images of a report. */
export interface ImageLimits {
  /** Number of the most confident mistakes. */
  readonly mistakes: number;
  /** Number of the least confident correct predictions per class. */
  readonly rightPerClass: number;
}
