/** Images as text: each line shows two rows of pixels in half blocks. */

import { anyOf, checkArgument, either } from "#src/base/arguments.js";
import { type ImageShape, imageBytes } from "#src/base/contracts/dataset.js";
import { UsageError } from "#src/base/errors.js";
import { PICTURE_SHAPE } from "#src/base/known-arguments.js";
import { isFloat32Array, isUint8Array } from "#src/base/realm.js";
import { lumaOf } from "#src/data/view-pixels.js";
import { bar, cellsOf, leftCell } from "./cells.js";

/** A pixel: its grey, or its red, green and blue; each 0 to 255. */
export type Pixel = number | readonly [red: number, green: number, blue: number];

/** Paints one cell: `▀` in the colour of the upper pixel, on the colour of the lower pixel. */
export type PaintCell = (upper: Pixel, lower: Pixel) => string;

/** Least pixel value that is drawn without colour. */
const INK_THRESHOLD = 96;

/** Cell without colour: each pixel is drawn or not. */
export const plainCell: PaintCell = (upper, lower) => {
  const [top, bottom] = [greyOf(upper) >= INK_THRESHOLD, greyOf(lower) >= INK_THRESHOLD];
  if (top && bottom) return "█";
  if (top) return "▀";
  return bottom ? "▄" : " ";
};

/** The pixel's grey: luma, if it has a colour. */
export function greyOf(pixel: Pixel): number {
  return typeof pixel === "number" ? pixel : lumaOf(...pixel);
}

/** pixels (rows × columns × channels) u8, row-major → ⌈rows ÷ 2⌉ lines of `columns` cells. */
export function imageLines(
  pixels: Uint8Array,
  { rows, columns, channels }: ImageShape,
  paint: PaintCell = plainCell,
): string[] {
  const pixelAt = (row: number, column: number): Pixel => {
    const at = (row * columns + column) * channels;
    return channels === 1 ? pixels[at]! : [pixels[at]!, pixels[at + 1]!, pixels[at + 2]!];
  };
  const lines: string[] = [];
  for (let row = 0; row < rows; row += 2) {
    let line = "";
    for (let column = 0; column < columns; column++) {
      line += paint(pixelAt(row, column), row + 1 < rows ? pixelAt(row + 1, column) : 0);
    }
    lines.push(line);
  }
  return lines;
}

const PIXELS = either(anyOf("a Uint8Array", isUint8Array), anyOf("a Float32Array", isFloat32Array));

/**
 * Text of an image in half blocks, for `console.log(imgShow(image))`: two rows of pixels per line.
 * A pixel from 96 on is drawn. It corresponds to `img_show` of the book's ch03/mnist_show.py.
 *
 * @param pixels (rows × columns × channels), row-major: u8, 0 is paper and 255 is ink; or f32 in 0..1, as `loadMnist` normalises
 * @param shape default 28 × 28; one channel unless it states 3: a colour is drawn by its luma
 * @throws UsageError ERR_ARGUMENT if the number of pixels is not rows × columns × channels
 */
export function imgShow(
  pixels: Uint8Array | Float32Array,
  shape: Pick<ImageShape, "rows" | "columns"> & Partial<ImageShape> = { rows: 28, columns: 28 },
): string {
  checkArgument("imgShow", "pixels", pixels, PIXELS);
  checkArgument("imgShow", "shape", shape, PICTURE_SHAPE);
  const picture = { channels: 1, ...shape };
  const expected = imageBytes(picture);
  if (pixels.length !== expected) {
    throw new UsageError("ERR_ARGUMENT", {
      call: "imgShow",
      argument: "pixels",
      expected: `${expected} of ${shape.rows} rows and ${shape.columns} columns${picture.channels === 1 ? "" : ` in ${picture.channels} channels`}`,
      found: String(pixels.length),
    });
  }
  const bytes = isUint8Array(pixels) ? pixels : Uint8Array.from(pixels, (value) => Math.round(value * 255));
  return imageLines(bytes, picture).join("\n");
}

/** Most cells across, so that the bars are within 80. */
const MOST_CELLS = 40;

/** An image that is too wide, with the mean of n × n pixels for each of its pixels. */
function shrunk(
  pixels: Uint8Array,
  shape: ImageShape,
): { readonly pixels: Uint8Array; readonly shape: ImageShape } {
  const n = Math.ceil(shape.columns / MOST_CELLS);
  if (n === 1) return { pixels, shape };
  const { channels } = shape;
  const [rows, columns] = [Math.ceil(shape.rows / n), Math.ceil(shape.columns / n)];
  const out = new Uint8Array(rows * columns * channels);
  for (let at = 0; at < out.length; at++) {
    const [channel, place] = [at % channels, Math.floor(at / channels)];
    const [top, left] = [n * Math.floor(place / columns), n * (place % columns)];
    let [sum, count] = [0, 0];
    for (let y = top; y < Math.min(top + n, shape.rows); y++) {
      for (let x = left; x < Math.min(left + n, shape.columns); x++, count++) {
        sum += pixels[(y * shape.columns + x) * channels + channel]!;
      }
    }
    out[at] = Math.round(sum / count);
  }
  return { pixels: out, shape: { rows, columns, channels } };
}

const BAR_CELLS = 20;
const GAP = "   ";

/** Lines with the image on the left and a bar per class on the right; `probabilities` are (classes), 0..1. */
export function digitWithBars(
  pixels: Uint8Array,
  shape: ImageShape,
  probabilities: ArrayLike<number>,
  nameOf: (label: number) => string,
  paint: PaintCell,
): string[] {
  const names = Array.from(probabilities, (_, label) => nameOf(label));
  const nameCells = Math.max(...names.map(cellsOf));
  const bars = names.map((name, label) => {
    const share = probabilities[label]!;
    return `${leftCell(name, nameCells)} ${bar(share, BAR_CELLS)} ${share.toFixed(4)}`;
  });
  const small = shrunk(pixels, shape);
  const image = imageLines(small.pixels, small.shape, paint);
  const blank = " ".repeat(small.shape.columns);
  return Array.from({ length: Math.max(image.length, bars.length) }, (_, line) =>
    `${image[line] ?? blank}${GAP}${bars[line] ?? ""}`.trimEnd(),
  );
}
