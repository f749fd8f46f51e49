/** Two samples of a set's labelled images, spread over the whole of it, and the statistics of all of its pixels. */
import { randomLcg } from "d3-random";
import type { Dataset } from "#src/base/contracts/dataset.js";
import type { Standardizing } from "#src/base/contracts/preprocessing.js";
import { LevelCounts } from "#src/networks/preprocess.js";

/** Images and their labels, as the data set hands them out. */
export interface Sample {
  /** (images × rows × columns) u8, row-major. */
  readonly pixels: Uint8Array;
  /** (images) u8. */
  readonly labels: Uint8Array;
}

export interface Drawn {
  /** The images that candidates are tried on. */
  readonly sample: Sample;
  /** As many others, for the winner. */
  readonly others: Sample;
  /** Mean and standard deviation of the whole set's pixels; undefined if all pixels are equal. */
  readonly own: Standardizing | undefined;
}

/**
 * Draws two samples of `images` images at most, and half of the set at most: the set is cut into equal stretches, and each
 * gives one image, alternately to both. The same seed draws the same images.
 */
export async function drawSamples(
  dataset: Dataset,
  images: number,
  seed: number,
  signal: AbortSignal,
): Promise<Drawn> {
  const { shape, total } = dataset;
  const inputs = shape.rows * shape.columns;
  const perSample = Math.max(1, Math.min(images, Math.floor(total / 2)));
  const picks = indicesOf(total, Math.min(total, 2 * perSample), seed);
  const sample = emptySample(perSample, inputs);
  const others = emptySample(perSample, inputs);
  const counts = new LevelCounts();
  let next = 0;
  for await (const { firstImage, count, pixels, labels } of dataset.slabs({ offset: 0, limit: total }, 1)) {
    signal.throwIfAborted();
    counts.add(pixels);
    for (; next < picks.length && picks[next] < firstImage + count; next++) {
      const from = picks[next] - firstImage;
      const { pixels: to, labels: toLabels } = next % 2 === 0 ? sample : others;
      const place = Math.floor(next / 2);
      to.set(pixels.subarray(from * inputs, (from + 1) * inputs), place * inputs);
      toLabels[place] = labels[from];
    }
  }
  return { sample, others: picks.length === 1 ? sample : others, own: counts.standardizingOrNone() };
}

/** The first `images` of a sample. */
export function firstOf({ pixels, labels }: Sample, images: number): Sample {
  const inputs = pixels.length / labels.length;
  return { pixels: pixels.subarray(0, images * inputs), labels: labels.subarray(0, images) };
}

/** `count` indices below `total`, ascending, one from each of as many stretches. */
function indicesOf(total: number, count: number, seed: number): number[] {
  const random = randomLcg(seed);
  return Array.from({ length: count }, (_, n) => {
    const [start, end] = [Math.floor((n * total) / count), Math.floor(((n + 1) * total) / count)];
    return start + Math.floor(random() * (end - start));
  });
}

function emptySample(images: number, inputs: number): Sample {
  return { pixels: new Uint8Array(images * inputs), labels: new Uint8Array(images) };
}
