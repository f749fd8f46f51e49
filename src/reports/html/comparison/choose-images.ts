/** Which images the page of a comparison shows, and their pixels, read in one more pass over the data. */

import type { Dataset } from "#src/base/contracts/dataset.js";
import type { AnsweredByBoth } from "#src/evaluate/compare/summary.js";
import type { ImageLimits } from "#src/reports/html/input.js";
import type { ComparedImage } from "./page-data.js";

/**
 * Of the images that not both get right, `limits.mistakes`: only A, only B and neither share them, so that few are not
 * crowded out by many. Of those that both get right, `limits.rightPerClass` of each class. Each group's first, all in the
 * data's order.
 *
 * @param offset index, within the data set, of the first image compared
 */
export function chooseComparedImages(
  { places, labels, predictions: [a, b] }: AnsweredByBoth,
  offset: number,
  limits: ImageLimits,
): ComparedImage[] {
  const groups = { onlyA: [] as number[], onlyB: [] as number[], neither: [] as number[] };
  const bothRight = new Map<number, number[]>();
  for (const [n, label] of labels.entries()) {
    const [aIsRight, bIsRight] = [a[n] === label, b[n] === label];
    if (aIsRight && bIsRight) {
      const ofClass = bothRight.get(label) ?? [];
      bothRight.set(label, ofClass);
      if (ofClass.length < limits.rightPerClass) ofClass.push(n);
    } else groups[aIsRight ? "onlyA" : bIsRight ? "onlyB" : "neither"].push(n);
  }
  const parts = Object.values(groups);
  const shares = sharesOf(
    parts.map(({ length }) => length),
    limits.mistakes,
  );
  return [...parts.flatMap((part, g) => part.slice(0, shares[g])), ...[...bothRight.values()].flat()]
    .sort((x, y) => x - y)
    .map((n) => ({ index: offset + places[n], label: labels[n], a: a[n], b: b[n] }));
}

/** Room for each of the sizes: the small have all that they need, and what they leave the large have alike. */
function sharesOf(sizes: readonly number[], room: number): number[] {
  const shares = sizes.map(() => 0);
  let left = room;
  const bySize = [...sizes.keys()].sort((x, y) => sizes[x] - sizes[y]);
  for (const [rank, n] of bySize.entries()) {
    shares[n] = Math.min(sizes[n], Math.floor(left / (bySize.length - rank)));
    left -= shares[n];
  }
  return shares;
}

/** (inputs) u8 of each image, in their order, which is the data's. */
export async function readPixels(
  data: Pick<Dataset, "slabs">,
  images: readonly Pick<ComparedImage, "index">[],
): Promise<Uint8Array[]> {
  const read: Uint8Array[] = [];
  if (images.length === 0) return read;
  const offset = images[0].index;
  const range = { offset, limit: images[images.length - 1].index + 1 - offset };
  // One image is the least that a slab can be made of.
  for await (const { firstImage, count, inputs, pixels } of data.slabs(range, 1)) {
    while (read.length < images.length && images[read.length].index < firstImage + count) {
      const i = images[read.length].index - firstImage;
      // Into memory of its own: a slab's may be used again.
      read.push(Uint8Array.from(pixels.subarray(i * inputs, (i + 1) * inputs)));
    }
  }
  return read;
}
