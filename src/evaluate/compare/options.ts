/** Options of a comparison, and what a side that is a result decides of them. */
import { type KindsOf, required, TEXT, without } from "#src/base/arguments.js";
import type { Network } from "#src/base/contracts/network.js";
import { ANY_NETWORK } from "#src/base/known-arguments.js";
import { EVALUATE } from "#src/evaluate/known-arguments.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import { imagesOf, type ResultSide } from "./read-side.js";

type ComparedInput = Omit<
  EvaluateInput,
  "weights" | "labels" | "resume" | "probabilities" | "topK" | "calibration" | "bootstrap" | "seed"
>;

/** Data, engine and threads as of `evaluate`; they are for the sides that are networks. */
export interface CompareInput extends ComparedInput {
  /** A network's name, file or folder, a loaded network, or a result's JSON with a predictions file. */
  readonly a: string | Network;
  /** As `a`. */
  readonly b: string | Network;
  /** The label file, where `dataset` is an image file. A comparison needs labels. */
  readonly labels?: string | undefined;
}

export const COMPARE: KindsOf<CompareInput> = {
  ...without(EVALUATE, "weights", "resume", "probabilities", "topK", "calibration", "bootstrap", "seed"),
  a: required(ANY_NETWORK),
  b: required(ANY_NETWORK),
  labels: TEXT,
};

/**
 * What is evaluated beside a result is its images, unless the input says something else: then they are held against each
 * other once the data are open.
 */
export function withImagesOf(
  side: ResultSide | undefined,
  { a: _a, b: _b, ...input }: CompareInput,
): EvaluateInput {
  if (side === undefined) return input;
  const { offset, total } = imagesOf(side);
  const { location, split, view } = side.result.dataset;
  const ofData =
    input.dataset === undefined && location !== null
      ? { dataset: location.dataset, labels: location.labels ?? undefined, split, ...view }
      : {};
  const classes = location?.classes ?? undefined;
  return {
    ...input,
    ...ofData,
    classes: input.classes ?? (input.dataset === undefined ? classes : undefined),
    offset: input.offset ?? offset,
    limit: input.limit ?? total,
  };
}
