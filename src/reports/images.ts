/** An image as text: two rows of pixels a line, in half blocks. */

import { checkArgument, either, instanceOf } from "#src/base/arguments.js";
import type { ImageShape } from "#src/base/contracts/dataset.js";
import { UsageError } from "#src/base/errors.js";
import { IMAGE_SHAPE } from "#src/base/known-arguments.js";
import { bar, cellsOf, leftCell } from "./cells.js";

/** Paints one cell: `▀` in the upper pixel's grey on the lower's. */
export type PaintCell = (upper: number, lower: number) => string;

/** Ink from here on counts as drawn where there is no colour. */
const INK_THRESHOLD = 96;

/** The cell without colour: drawn or not. */
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

// Shows an image on a terminal, as the book's `img_show` does in a window.

const PIXELS = either(instanceOf("a Uint8Array", Uint8Array), instanceOf("a Float32Array", Float32Array));

/**
 * An image in half blocks, two rows of pixels a line; print it with `console.log(imgShow(image))`. A pixel from 96 on is
 * drawn. Source: the book's ch03/mnist_show.py.
 *
 * @param pixels (rows × columns), row-major: u8, 0 is paper and 255 is ink; or f32 in 0..1, as `loadMnist` normalises
 * @param shape default 28 × 28
 * @throws UsageError ERR_ARGUMENT where the pixels are not those of such an image
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
  const bytes =
    pixels instanceof Uint8Array ? pixels : Uint8Array.from(pixels, (value) => Math.round(value * 255));
  return imageLines(bytes, shape).join("\n");
}

// An image and, beside it, the probability of each class as a bar.

const BAR_CELLS = 20;
const GAP = "   ";

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
