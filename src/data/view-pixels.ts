/** What a view does to pixels and labels in memory. Loaded only for a view that changes something. */

import { type DatasetView, type ImageShape, imageBytes } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { NOT_PREDICTED, type Slab, viewSlab } from "#src/base/slab.js";

const WHITE = 255;
/** Red, green and blue. */
const COLOURS = 3;
/** Labels are bytes. */
const MOST_LABEL = 255;

/** Inverts and transposes images in place: pixels (count × rows × columns × channels) u8, row-major, of the shape before the view. */
export function viewPixels(
  pixels: Uint8Array,
  shape: ImageShape,
  { invert, transpose }: Pick<DatasetView, "invert" | "transpose">,
): void {
  if (transpose) transposeImages(pixels, shape);
  if (invert) for (let n = 0; n < pixels.length; n++) pixels[n] = WHITE - pixels[n]!;
}

/** Grey 0..255 of a colour: luma of ITU-R BT.601 in 16-bit fixed point, rounded (Pillow's L24 in libImaging/Convert.c). */
export function lumaOf(red: number, green: number, blue: number): number {
  return (red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16;
}

/**
 * Changes a slab in place: its memory is filled before each use. The pixels become grey first and are inverted then, as
 * in folders of pictures, whose reader makes grey. `wasInverted` says that an earlier view inverted them.
 *
 * @throws DatasetError ERR_LABEL_OFFSET from the function returned
 */
export function changer(
  { shape, labelsPath }: { readonly shape: ImageShape; readonly labelsPath?: string | undefined },
  view: DatasetView,
  wasInverted: boolean,
): (slab: Slab) => Slab {
  const channels = view.grayscale ? 1 : shape.channels;
  return (stored) => {
    const slab = view.grayscale ? greySlab(stored, wasInverted) : stored;
    viewPixels(slab.pixels, { ...shape, channels }, view);
    const { labels, firstImage } = slab;
    if (labelsPath === undefined || view.labelOffset === 0) return slab;
    for (let n = 0; n < labels.length; n++) {
      const label = labels[n]! + view.labelOffset;
      if (label < 0 || label > MOST_LABEL) {
        const facts = {
          path: labelsPath,
          index: firstImage + n,
          label: labels[n]!,
          offset: view.labelOffset,
        };
        throw new DatasetError("ERR_LABEL_OFFSET", facts);
      }
      labels[n] = label;
    }
    return slab;
  };
}

/**
 * The same memory with images of one channel; labels and predictions follow the pixels. The grey of inverted colours is that of
 * the colours, inverted: rounding makes the two orders differ.
 */
function greySlab({ buffer, firstImage, count, inputs, pixels, labels }: Slab, isInverted: boolean): Slab {
  const flip = isInverted ? WHITE : 0;
  const grey = viewSlab(buffer, { firstImage, count, inputs: inputs / COLOURS });
  for (let n = 0, at = 0; n < grey.pixels.length; n++, at += COLOURS) {
    grey.pixels[n] = flip ^ lumaOf(flip ^ pixels[at]!, flip ^ pixels[at + 1]!, flip ^ pixels[at + 2]!);
  }
  grey.labels.set(labels);
  grey.predictions.fill(NOT_PREDICTED);
  return grey;
}

/** out (count, columns, rows, channels) = the transposes of x (count, rows, columns, channels), in the same memory. */
function transposeImages(pixels: Uint8Array, shape: ImageShape): void {
  const { rows, channels } = shape;
  const size = imageBytes(shape);
  const step = rows * channels;
  const image = new Uint8Array(size);
  for (let start = 0; start < pixels.length; start += size) {
    image.set(pixels.subarray(start, start + size));
    for (let row = 0, from = 0; row < rows; row++) {
      for (let to = start + row * channels; to < start + size; to += step) {
        pixels[to] = image[from++]!;
        for (let channel = 1; channel < channels; channel++) pixels[to + channel] = image[from++]!;
      }
    }
  }
}
