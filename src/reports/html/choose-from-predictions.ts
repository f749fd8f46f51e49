/** The images of a report that is made afterwards, from a file of predictions and the data once more. */
import type { ImageShape } from "#src/base/contracts/dataset.js";
import type { Prediction } from "#src/base/contracts/predictions.js";
import type { Slab } from "#src/base/slab.js";
import { createImageChooser, limitsFor } from "./choose-images.js";
import type { ChosenImages } from "./input.js";

export interface ChosenFromPredictions {
  readonly chosen: ChosenImages;
  /** Predictions whose image was there, with the label that they tell. */
  readonly matched: number;
  /** Predictions in all. */
  readonly total: number;
}

/** Both in the order of their images, of which predictions may leave some out; one pass over each. */
export async function chooseFromPredictions(
  slabs: AsyncIterable<Pick<Slab, "firstImage" | "count" | "inputs" | "pixels" | "labels">>,
  predictions: AsyncIterable<Prediction>,
  { rows, columns }: ImageShape,
  classes: number,
): Promise<ChosenFromPredictions> {
  const chooser = createImageChooser(classes, limitsFor(classes, rows * columns));
  const rest = predictions[Symbol.asyncIterator]();
  let next = await rest.next();
  const isClass = (label: number) => label < classes;
  let matched = 0;
  let total = 0;
  for await (const { firstImage, count, inputs, pixels, labels } of slabs) {
    while (!next.done && next.value.index < firstImage + count) {
      const { index, label, prediction, probability, topK } = next.value;
      const i = index - firstImage;
      total++;
      if (i >= 0 && labels[i] === label && [prediction, ...topK.map((entry) => entry.class)].every(isClass)) {
        matched++;
        chooser.offer({ index, label, prediction, confidence: probability }, () => ({
          pixels: Uint8Array.from(pixels.subarray(i * inputs, (i + 1) * inputs)),
          probabilities: topK.map((entry) => ({ label: entry.class, probability: entry.probability })),
        }));
      }
      next = await rest.next();
    }
  }
  for (; !next.done; next = await rest.next()) total++;
  return { chosen: chooser.chosen(), matched, total };
}
