/** An image as text: two rows of pixels a line, in half blocks. */
import type { ImageShape } from "#src/base/contracts/dataset.js";

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
      const upper = pixels[row * columns + column];
      const lower = row + 1 < rows ? pixels[(row + 1) * columns + column] : 0;
      line += paint(upper, lower);
    }
    lines.push(line);
  }
  return lines;
}
