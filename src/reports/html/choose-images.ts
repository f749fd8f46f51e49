/** Selection of the images that a report shows, in one pass. Memory holds at most twice the kept images, for any data set. */

import { type ImageShape, imageBytes } from "#src/base/contracts/dataset.js";
import type { Prediction } from "#src/base/contracts/journal.js";
import type { Slab } from "#src/base/slab.js";
import type { ChosenImage, ChosenImages, ClassProbability, ImageLimits } from "./page-data.js";

const MISTAKES = 2000;
const RIGHT_PER_CLASS = 24;
/** Most correctly predicted images over all classes: limits the size of the page. */
const RIGHT_IMAGES = 2000;
/** Most bytes of pixels in a page, so there are fewer large images. 2,000 images of 28 × 28 have 1.6 million pixels. */
const PIXELS = 2 ** 24;
/** Number of probabilities shown per image: the largest ones. */
const PROBABILITIES = 10;

export interface Answer extends Pick<ChosenImage, "index" | "label" | "prediction"> {
  /** Probability of the predicted class. */
  readonly confidence: number;
}

export interface ImageChooser {
  /** Offers the next image in order. `copy` is called only if the image may be kept; it returns memory of its own. */
  offer(answer: Answer, copy: () => Pick<ChosenImage, "pixels" | "probabilities">): void;
  chosen(): ChosenImages;
}

export function limitsFor(classes: number, inputs: number): ImageLimits {
  // Predictions can be judged without the images: their pixels take no memory.
  const images = Math.max(1, Math.floor(PIXELS / Math.max(1, inputs)));
  return {
    mistakes: Math.min(MISTAKES, images),
    rightPerClass: Math.min(RIGHT_PER_CLASS, Math.floor(Math.min(RIGHT_IMAGES, images) / classes)),
  };
}

export function createImageChooser(classes: number, limits: ImageLimits): ImageChooser {
  const mistakes = new Best(limits.mistakes);
  const right = Array.from({ length: classes }, () => new Best(limits.rightPerClass));
  return {
    offer({ index, label, prediction, confidence }, copy) {
      const whole = () => ({ index, label, prediction, ...copy() });
      if (label === prediction) right[label]!.offer(-confidence, whole);
      else mistakes.offer(confidence, whole);
    },
    chosen: () => ({ images: [mistakes, ...right].flatMap((best) => best.inOrder()), limits }),
  };
}

/** An evaluated slab. `probabilities` and `ranking` are (count × classes), row-major; undefined if only classes are known. */
export type AnsweredSlab = Pick<
  Slab,
  "firstImage" | "count" | "inputs" | "pixels" | "labels" | "predictions" | "probabilities" | "ranking"
>;

export function offerSlab(chooser: ImageChooser, slab: AnsweredSlab): void {
  const { firstImage, count, inputs, pixels, labels, predictions, probabilities, ranking } = slab;
  const classes = (probabilities?.length ?? 0) / count;
  for (let i = 0; i < count; i++) {
    const [label, prediction] = [labels[i]!, predictions[i]!];
    const row = probabilities?.subarray(i * classes, (i + 1) * classes);
    const confidence = row?.[prediction] ?? 0;
    chooser.offer({ index: firstImage + i, label, prediction, confidence }, () => ({
      // A copy, because the slab's memory is shared and reused.
      pixels: Uint8Array.from(pixels.subarray(i * inputs, (i + 1) * inputs)),
      probabilities:
        row === undefined || ranking === undefined
          ? []
          : mostProbable(row, ranking.subarray(i * classes, (i + 1) * classes), label),
    }));
  }
}

/** The most probable classes and the label, by descending logit. */
function mostProbable(probabilities: Float64Array, ranking: Uint16Array, label: number): ClassProbability[] {
  const ranked = Array.from(ranking, (k) => ({ label: k, probability: probabilities[k]! }));
  return ranked.filter((entry, rank) => rank < PROBABILITIES || entry.label === label);
}

interface Ranked {
  readonly rank: number;
  readonly image: ChosenImage;
}

/** The `limit` images with the highest ranks. Among equal ranks, the first offered stay. */
class Best {
  readonly #limit: number;
  #kept: Ranked[] = [];
  /** An image with this rank or less is not kept. */
  #bar = Number.NEGATIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
  }

  offer(rank: number, copy: () => ChosenImage): void {
    if (this.#limit === 0 || rank <= this.#bar) return;
    this.#kept.push({ rank, image: copy() });
    // Sorting only at twice the limit keeps the cost per image constant.
    if (this.#kept.length >= 2 * this.#limit) this.#prune();
  }

  inOrder(): ChosenImage[] {
    this.#prune();
    return this.#kept.map(({ image }) => image);
  }

  #prune(): void {
    // The sort is stable: among equal ranks the earlier image stays.
    this.#kept = this.#kept.toSorted((a, b) => b.rank - a.rank).slice(0, this.#limit);
    const last = this.#kept.at(-1);
    if (last !== undefined && this.#kept.length === this.#limit) this.#bar = last.rank;
  }
}

export interface ChosenFromPredictions {
  readonly chosen: ChosenImages;
  /** Predictions whose image exists with the same label. */
  readonly matched: number;
  /** All predictions. */
  readonly total: number;
}

/**
 * Selects images for a report from a file of predictions and the data set, in one pass over each.
 * Both are in the order of the images. Predictions may leave out images.
 */
export async function chooseFromPredictions(
  slabs: AsyncIterable<Pick<Slab, "firstImage" | "count" | "inputs" | "pixels" | "labels">>,
  predictions: AsyncIterable<Prediction>,
  shape: ImageShape,
  classes: number,
): Promise<ChosenFromPredictions> {
  const chooser = createImageChooser(classes, limitsFor(classes, imageBytes(shape)));
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
        chooser.offer({ index, label, prediction, confidence: probability ?? 0 }, () => ({
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
