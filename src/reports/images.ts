/** Images as text: each line shows two rows of pixels in half blocks. */

import { anyOf, checkArgument, either } from "#src/base/arguments.js";
import type { ImageShape } from "#src/base/contracts/dataset.js";
import { UsageError } from "#src/base/errors.js";
import { IMAGE_SHAPE } from "#src/base/known-arguments.js";
import { isFloat32Array, isUint8Array } from "#src/base/realm.js";
import { bar, cellsOf, leftCell } from "./cells.js";

/** Paints one cell: `▀` in the grey of the upper pixel, on the grey of the lower pixel. Pixels are 0 to 255. */
export type PaintCell = (upper: number, lower: number) => string;

/** Least pixel value that is drawn without colour. */
const INK_THRESHOLD = 96;

/** Cell without colour: each pixel is drawn or not. */
export const plainCell: PaintCell = (upper, lower) => {
  const [top, bottom] = [upper >= INK_THRESHOLD, lower >= INK_THRESHOLD];
  if (top && bottom) return "█";
  if (top) return "▀";
  return bottom ? "▄" : " ";
};

/** pixels (rows × columns) u8, row-major → ⌈rows ÷ 2⌉ lines of `columns` cells. */
export function imageLines(
  pixels: Uint8Array,
  { rows, columns }: ImageShape,
  paint: PaintCell = plainCell,
): string[] {
  const lines: string[] = [];
  for (let row = 0; row < rows; row += 2) {
    let line = "";
    for (let column = 0; column < columns; column++) {
      const upper = pixels[row * columns + column]!;
      const lower = row + 1 < rows ? pixels[(row + 1) * columns + column]! : 0;
      line += paint(upper, lower);
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
 * @param pixels (rows × columns), row-major: u8, 0 is paper and 255 is ink; or f32 in 0..1, as `loadMnist` normalises
 * @param shape default 28 × 28
 * @throws UsageError ERR_ARGUMENT if the number of pixels is not rows × columns
 */
export function imgShow(
  pixels: Uint8Array | Float32Array,
  shape: ImageShape = { rows: 28, columns: 28 },
): string {
  checkArgument("imgShow", "pixels", pixels, PIXELS);
  checkArgument("imgShow", "shape", shape, IMAGE_SHAPE);
  const expected = shape.rows * shape.columns;
  if (pixels.length !== expected) {
    throw new UsageError("ERR_ARGUMENT", {
      call: "imgShow",
      argument: "pixels",
      expected: `${expected} of ${shape.rows} rows and ${shape.columns} columns`,
      found: String(pixels.length),
    });
  }
  const bytes = isUint8Array(pixels) ? pixels : Uint8Array.from(pixels, (value) => Math.round(value * 255));
  return imageLines(bytes, shape).join("\n");
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
  const image = imageLines(pixels, shape, paint);
  const blank = " ".repeat(shape.columns);
  return Array.from({ length: Math.max(image.length, bars.length) }, (_, line) =>
    `${image[line] ?? blank}${GAP}${bars[line] ?? ""}`.trimEnd(),
  );
}
