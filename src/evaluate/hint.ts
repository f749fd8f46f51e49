/** Hint for an evaluation whose numbers suggest that the network or the images were read in the wrong way. */

import type { AnyEvaluation, ResultCounts } from "#src/base/contracts/result.js";
import type { Slab } from "#src/base/slab.js";

/** Images below which there is no hint. */
const LEAST_IMAGES = 200;
/** Images whose pixels are read: the first of the run. */
const LOOKED_AT = 32;
const BRIGHT = 128;
const MOST_PREDICTIONS = 0.9;
const LEAST_LABELS = 0.5;
/** Accuracy above which the pictures count as read correctly. */
const HIGH_ACCURACY = 0.9;

/**
 * The hint in one line; undefined if nothing looks wrong.
 *
 * @param brightness of the first images; undefined where other hosts read them
 */
export function hintOf({ result, run }: AnyEvaluation, brightness?: Brightness): string | undefined {
  if (result.total < LEAST_IMAGES) return undefined;
  const { isDark, isBright } = brightness ?? { isDark: false, isBright: false };
  const reasons = [
    ...(result.labelled ? reasonsOf(result) : []),
    ...(isDark && run.normalize !== "none"
      ? ["no pixel exceeds 1, so that pixels ÷ 255 are nearly black"]
      : []),
    ...(isBright && !(result.labelled && result.accuracy > HIGH_ACCURACY)
      ? ["most pixels are bright, as in inverted pictures"]
      : []),
  ];
  return reasons.length === 0
    ? undefined
    : `${reasons.join("; ")}; batchwise diagnose with the same data and weights tries other readings`;
}

function reasonsOf({ confusionMatrix, confidenceInterval95, accuracy, total }: ResultCounts): string[] {
  const reasons: string[] = [];
  const labels = confusionMatrix.map((row) => row.reduce((a, b) => a + b, 0));
  const chance = Math.max(1 / confusionMatrix.length, Math.max(...labels) / total);
  if (confidenceInterval95[0] <= chance) {
    reasons.push(`accuracy ${accuracy.toFixed(4)} is no better than chance (${chance.toFixed(4)})`);
  }
  const predictions = confusionMatrix.map((_, column) =>
    confusionMatrix.reduce((sum, row) => sum + row[column]!, 0),
  );
  const most = predictions.findIndex((images) => images > MOST_PREDICTIONS * total);
  if (most >= 0 && labels[most]! < LEAST_LABELS * total) {
    const percent = (images: number) => `${Math.round((100 * images) / total)} %`;
    reasons.push(
      `class ${most} has ${percent(predictions[most]!)} of the predictions and ${percent(labels[most]!)} of the labels`,
    );
  }
  return reasons;
}

/** How bright the first images of a run are. */
export interface Brightness {
  /** No pixel exceeds 1. */
  readonly isDark: boolean;
  /** More than half of the pixels are at least 128. */
  readonly isBright: boolean;
}

/** Looks at the first 32 images of the slab, or at all if there are fewer. */
export function brightnessOf({ pixels: all, inputs }: Pick<Slab, "pixels" | "inputs">): Brightness {
  const pixels = all.subarray(0, LOOKED_AT * inputs);
  let [bright, largest] = [0, 0];
  for (let n = 0; n < pixels.length; n++) {
    const pixel = pixels[n]!;
    if (pixel >= BRIGHT) bright++;
    if (pixel > largest) largest = pixel;
  }
  return { isDark: largest <= 1, isBright: bright > pixels.length / 2 };
}
