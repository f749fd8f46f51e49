/** A data set whose images are all in memory, handed out in slabs. */
import type { Dataset, ImageRange } from "#src/base/contracts/dataset.js";
import { allocateSlab, type Slab } from "#src/base/slab.js";

/** A slab is filled in some ten milliseconds, while workers are busy with the one before. */
const SLAB_IMAGES = 32_768;
/** Large images make shorter slabs, so that those on their way to workers stay a small part of memory. */
export const SLAB_PIXEL_BYTES = 64 * 2 ** 20;

export interface MemoryImages extends Omit<Dataset, "slabs"> {
  /** (total × rows × columns) u8, row-major. */
  readonly pixels: Uint8Array;
  /** (total) u8; undefined where the set has none. */
  readonly labels: Uint8Array | undefined;
}

/** The contract over images in memory; a range that reaches beyond the set ends with it. */
export function memoryDataset({ pixels, labels, ...facts }: MemoryImages): Dataset {
  const inputs = facts.shape.rows * facts.shape.columns;
  return {
    ...facts,
    async *slabs(range: ImageRange, multiple: number): AsyncGenerator<Slab> {
      const end = Math.min(range.offset + range.limit, facts.total);
      const step = slabImages(inputs, multiple);
      for (let firstImage = range.offset; firstImage < end; firstImage += step) {
        const count = Math.min(step, end - firstImage);
        const slab = allocateSlab({ firstImage, count, inputs });
        slab.pixels.set(pixels.subarray(firstImage * inputs, (firstImage + count) * inputs));
        if (labels !== undefined) slab.labels.set(labels.subarray(firstImage, firstImage + count));
        yield slab;
      }
    },
  };
}

/** The largest multiple of `multiple` within both limits, and `multiple` itself where that is beyond them. */
export function slabImages(inputs: number, multiple: number, pixelBytes = SLAB_PIXEL_BYTES): number {
  const most = Math.min(SLAB_IMAGES, Math.floor(pixelBytes / inputs));
  return Math.max(1, Math.floor(most / multiple)) * multiple;
}
