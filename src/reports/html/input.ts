/** What the HTML report is made from. */
import type { ImageShape } from "#src/base/contracts/dataset.js";
import type { Evaluation } from "#src/base/contracts/result.js";

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
  /** Of all mistakes, the most confident. */
  readonly mistakes: number;
  /** Of the images of each class that were predicted rightly, the least confident. */
  readonly rightPerClass: number;
}
