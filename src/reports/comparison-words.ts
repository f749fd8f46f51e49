/** Phrases about the numbers of a comparison that its formats share. */

import type { Comparison, SideScore } from "#src/base/contracts/comparison.js";
import { counted, grouped } from "#src/base/errors/define.js";

export function scoreText({ correct, accuracy, confidenceInterval95: [low, high] }: SideScore): string {
  return `${accuracy.toFixed(4)}, ${grouped(correct)} right, 95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}`;
}

/** `+0.0021, 95 % interval -0.0004 to +0.0046`. */
export function differenceText({ difference }: Comparison["result"]): string {
  const [low, high] = difference.confidenceInterval95;
  return `${signed(difference.accuracy)}, 95 % interval ${signed(low)} to ${signed(high)}`;
}

/** p-value with four decimals from 0.001 on; below, with an exponent. */
export function pValueText(pValue: number): string {
  if (pValue === 0) return "below 1e-300";
  return pValue >= 0.001 ? pValue.toFixed(4) : pValue.toExponential(1);
}

/** `10,000 images`, or `9,000 of 10,000 images`. */
export function imagesText({ dataset, result }: Comparison): string {
  return result.total === dataset.total
    ? `${grouped(result.total)} images`
    : `${grouped(result.total)} of ${grouped(dataset.total)} images`;
}

/** Number of images that a partial comparison covers. */
export function partialText({ total }: Comparison["result"]): string {
  if (total === 0) return "no image has a prediction from both networks";
  return `both networks predicted ${counted(total, "image", "images")}; all numbers cover only these`;
}

/** The first `most` indices, and the number of the others; or `none`. */
export function indicesText(indices: readonly number[], most: number): string {
  if (indices.length === 0) return "none";
  const shown = indices.slice(0, most).join(", ");
  return indices.length > most ? `${shown} and ${grouped(indices.length - most)} more` : shown;
}

function signed(value: number): string {
  return `${value < 0 ? "" : "+"}${value.toFixed(4)}`;
}
