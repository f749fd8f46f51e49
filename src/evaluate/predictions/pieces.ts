/** Predictions as text, never more than a piece of it in memory. */
import type { Prediction, PredictionsFormat } from "#src/base/contracts/predictions.js";
import { lineWriter } from "./lines.js";

const PIECE_CHARACTERS = 2 ** 16;

export interface PredictionsTarget {
  readonly path: string;
  readonly format: PredictionsFormat;
  /** How many classes of each image are told; never more than there are. */
  readonly topK: number;
  /** False: labels are null. */
  readonly labelled: boolean;
}

/** Images in order, as a slab holds them once all of its batches are merged. */
export interface PredictedImages {
  readonly firstImage: number;
  readonly count: number;
  readonly labels: Uint8Array;
  readonly predictions: Uint16Array;
  /** (count × classes), row-major. */
  readonly probabilities: Float64Array;
  /** (count × classes), row-major: each image's classes, from the largest logit to the smallest. */
  readonly ranking: Uint16Array;
}

/** The lines of the images; before the first of a file, what stands there before all lines. */
export function* pieces(
  { format, topK, labelled }: PredictionsTarget,
  images: PredictedImages,
  isFirst: boolean,
): Generator<string> {
  const classes = images.probabilities.length / images.count;
  const k = Math.min(topK, classes);
  const lines = lineWriter(format, k);
  let piece = isFirst ? lines.header : "";
  for (let image = 0; image < images.count; image++) {
    piece += lines.line(predictionOf(images, image, classes, k, labelled));
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = "";
  }
  yield piece;
}

function predictionOf(
  images: PredictedImages,
  image: number,
  classes: number,
  k: number,
  labelled: boolean,
): Prediction {
  const probabilities = images.probabilities.subarray(image * classes, (image + 1) * classes);
  const ranking = images.ranking.subarray(image * classes, image * classes + k);
  const prediction = images.predictions[image];
  const label = labelled ? images.labels[image] : null;
  return {
    index: images.firstImage + image,
    label,
    prediction,
    probability: probabilities[prediction],
    topK: Array.from(ranking, (one) => ({ class: one, probability: probabilities[one] })),
    correct: label === null ? null : label === prediction,
  };
}
