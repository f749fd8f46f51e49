/** What the page is handed: the evaluation, cut to what is shown; a leaf, for Node.js writes it and the browser reads it. */
import type { ImageShape } from "#src/base/contracts/dataset.js";
import type { ImageLimits, ReportedEvaluation } from "./input.js";

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
