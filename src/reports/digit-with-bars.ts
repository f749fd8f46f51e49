/** An image and, beside it, the probability of each class as a bar. */
import type { ImageShape } from "#src/base/contracts/dataset.js";
import { bar } from "./bars.js";
import { cellsOf, leftCell } from "./cells.js";
import { imageLines, type PaintCell } from "./image-text.js";

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
    const share = probabilities[label];
    return `${leftCell(name, nameCells)} ${bar(share, BAR_CELLS)} ${share.toFixed(4)}`;
  });
  const image = imageLines(pixels, shape, paint);
  const blank = " ".repeat(shape.columns);
  return Array.from({ length: Math.max(image.length, bars.length) }, (_, line) =>
    `${image[line] ?? blank}${GAP}${bars[line] ?? ""}`.trimEnd(),
  );
}
