/** Which images a report shows, chosen in one pass: memory holds what is kept and as much again, however large the set. */

import type { ImageShape } from "#src/base/contracts/dataset.js";
import type { Prediction } from "#src/base/contracts/journal.js";
import type { Slab } from "#src/base/slab.js";
import type { ChosenImage, ChosenImages, ClassProbability, ImageLimits } from "./page-data.js";

const MISTAKES = 2000;
const RIGHT_PER_CLASS = 24;
/** Limit over all classes, so that many classes do not make the page heavy. */
const RIGHT_IMAGES = 2000;
/** 2,000 images of 28 × 28 are 1.6 million pixels; larger images are fewer. */
const PIXELS = 2 ** 24;
/** Probabilities shown per image: the largest ones. */
const PROBABILITIES = 10;

export interface Answer extends Pick<ChosenImage, "index" | "label" | "prediction"> {
  /** The prediction's probability. */
  readonly confidence: number;
}

export interface ImageChooser {
  /** Images come in their order; `copy` is called for those that may be kept, and answers what outlives its source. */
  offer(answer: Answer, copy: () => Pick<ChosenImage, "pixels" | "probabilities">): void;
  chosen(): ChosenImages;
}

export function limitsFor(classes: number, inputs: number): ImageLimits {
  const images = Math.max(1, Math.floor(PIXELS / inputs));
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

/** A slab that has been evaluated; `probabilities` and `ranking` are (count × classes), row-major. */
export type AnsweredSlab = Pick<
  Slab,
  "firstImage" | "count" | "inputs" | "pixels" | "labels" | "predictions"
> & { readonly probabilities: Float64Array; readonly ranking: Uint16Array };

export function offerSlab(chooser: ImageChooser, slab: AnsweredSlab): void {
  const { firstImage, count, inputs, pixels, labels, predictions, probabilities, ranking } = slab;
  const classes = probabilities.length / count;
  for (let i = 0; i < count; i++) {
    const [label, prediction] = [labels[i]!, predictions[i]!];
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    chooser.offer({ index: firstImage + i, label, prediction, confidence: row[prediction]! }, () => ({
      // Into memory of its own: a slab's is shared, and used again.
      pixels: Uint8Array.from(pixels.subarray(i * inputs, (i + 1) * inputs)),
      probabilities: mostProbable(row, ranking.subarray(i * classes, (i + 1) * classes), label),
    }));
  }
}

/** The most probable and the label, in the order of their logits. */
function mostProbable(probabilities: Float64Array, ranking: Uint16Array, label: number): ClassProbability[] {
  const ranked = Array.from(ranking, (k) => ({ label: k, probability: probabilities[k]! }));
  return ranked.filter((entry, rank) => rank < PROBABILITIES || entry.label === label);
}

interface Ranked {
  readonly rank: number;
  readonly image: ChosenImage;
}

/** The `limit` images of the highest ranks; of equals, those that were offered first. */
class Best {
  readonly #limit: number;
  #kept: Ranked[] = [];
  /** Who is not above this has no chance any more. */
  #bar = Number.NEGATIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
  }

  offer(rank: number, copy: () => ChosenImage): void {
    if (this.#limit === 0 || rank <= this.#bar) return;
    this.#kept.push({ rank, image: copy() });
    // Sorting at twice the limit costs each image a constant share of a sort.
    if (this.#kept.length >= 2 * this.#limit) this.#prune();
  }

  inOrder(): ChosenImage[] {
    this.#prune();
    return this.#kept.map(({ image }) => image);
  }

  #prune(): void {
    // The sort is stable: of equals the earlier stays.
    this.#kept = this.#kept.toSorted((a, b) => b.rank - a.rank).slice(0, this.#limit);
    const last = this.#kept.at(-1);
    if (last !== undefined && this.#kept.length === this.#limit) this.#bar = last.rank;
  }
}

// The images of a report that is made afterwards, from a file of predictions and the data once more.

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
