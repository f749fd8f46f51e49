/** A data set seen through a view: pictures inverted or transposed, labels shifted, slab by slab. */

import {
  AS_STORED,
  type Dataset,
  type DatasetView,
  type ImageRange,
  type ImageShape,
} from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { allocateSlab, type Slab, type SlabRing } from "#src/base/slab.js";

const WHITE = 255;
/** Labels are bytes. */
const MOST_LABEL = 255;

/** The set through `view`, on top of the view that it has already. A view that changes nothing answers the set itself. */
export function viewedDataset(dataset: Dataset, view: DatasetView): Dataset {
  if (isAsStored(view)) return dataset;
  const { ring, labelsPath } = dataset;
  const shape = viewedShape(dataset.shape, view);
  const change = changer(dataset.shape, view, labelsPath);
  return {
    ...dataset,
    shape,
    view: joined(dataset.view ?? AS_STORED, view),
    async *slabs(range, multiple) {
      for await (const slab of dataset.slabs(range, multiple)) {
        // A copy: the slab may be a program's own, which it hands out again.
        const { firstImage, count, inputs } = slab;
        const copy = allocateSlab({ firstImage, count, inputs });
        copy.pixels.set(slab.pixels);
        copy.labels.set(slab.labels);
        change(copy);
        yield copy;
      }
    },
    ...(ring !== undefined && {
      ring: (range, multiple, lanes) => changedRing(ring.call(dataset, range, multiple, lanes), change),
    }),
  };
}

export function isAsStored({ invert, transpose, labelOffset }: DatasetView): boolean {
  return !invert && !transpose && labelOffset === AS_STORED.labelOffset;
}

export function isSameView(a: DatasetView, b: DatasetView): boolean {
  return a.invert === b.invert && a.transpose === b.transpose && a.labelOffset === b.labelOffset;
}

/** The shape of an image of `shape` after the view. */
export function viewedShape({ rows, columns }: ImageShape, { transpose }: DatasetView): ImageShape {
  return transpose ? { rows: columns, columns: rows } : { rows, columns };
}

/** Changes images in place: pixels (count × rows × columns) u8, row-major, of the shape before the view. */
export function viewPixels(pixels: Uint8Array, shape: ImageShape, { invert, transpose }: DatasetView): void {
  if (transpose) transposeImages(pixels, shape);
  if (invert) for (let n = 0; n < pixels.length; n++) pixels[n] = WHITE - pixels[n];
}

function joined(first: DatasetView, second: DatasetView): DatasetView {
  return {
    invert: first.invert !== second.invert,
    transpose: first.transpose !== second.transpose,
    labelOffset: first.labelOffset + second.labelOffset,
  };
}

/** A ring's memory is filled before each use, so that it is changed in place. */
function changedRing(ring: SlabRing, change: (slab: Slab) => void): SlabRing {
  async function* changed(): AsyncGenerator<Slab> {
    for await (const slab of ring.slabs) {
      change(slab);
      yield slab;
    }
  }
  return {
    slabs: changed(),
    release: (slab) => ring.release(slab),
    stop: () => ring.stop(),
  };
}

/** @throws DatasetError ERR_LABEL_OFFSET from the function that it answers */
function changer(shape: ImageShape, view: DatasetView, labelsPath: string | undefined): (slab: Slab) => void {
  return ({ pixels, labels, firstImage }) => {
    viewPixels(pixels, shape, view);
    if (labelsPath === undefined || view.labelOffset === 0) return;
    for (let n = 0; n < labels.length; n++) {
      const label = labels[n] + view.labelOffset;
      if (label < 0 || label > MOST_LABEL) {
        const facts = { path: labelsPath, index: firstImage + n, label: labels[n], offset: view.labelOffset };
        throw new DatasetError("ERR_LABEL_OFFSET", facts);
      }
      labels[n] = label;
    }
  };
}

/** out (count, columns, rows) = the transposes of x (count, rows, columns), in the same memory. */
function transposeImages(pixels: Uint8Array, { rows, columns }: ImageShape): void {
  const size = rows * columns;
  const image = new Uint8Array(size);
  for (let start = 0; start < pixels.length; start += size) {
    image.set(pixels.subarray(start, start + size));
    for (let row = 0, from = 0; row < rows; row++) {
      for (let to = start + row; to < start + size; to += rows) pixels[to] = image[from++];
    }
  }
}

// A data set whose images are all in memory, handed out in slabs.

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
