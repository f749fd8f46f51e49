/** What the page of a comparison is handed; a leaf, for Node.js writes it and the browser reads it. */
import type { Comparison, ComparisonResult } from "#src/base/contracts/comparison.js";
import type { ImageShape } from "#src/base/contracts/dataset.js";
import type { ImageLimits } from "#src/reports/html/input.js";
import type { MatrixData } from "#src/reports/html/page-data.js";

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
