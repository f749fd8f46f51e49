/** The confusion matrix as text: a matrix where it fits, else its largest mistakes. */
import { grouped } from "#src/base/errors/define.js";
import { leftCell, rightCell } from "./cells.js";
import { mostConfused } from "./class-rows.js";
import type { Paint } from "./paint.js";

const WIDTH_CELLS = 80;
const MOST_CLASSES = 16;
const LISTED_PAIRS = 10;
const GAP = " ";

/** @param names of the classes, as they are shown */
export function confusionLines(
  matrix: readonly (readonly number[])[],
  names: readonly string[],
  nameCells: number,
  paint: Paint,
): string[] {
  // Before anything is asked of all cells: there may be too many to be one call's arguments.
  if (matrix.length > MOST_CLASSES) return pairLines(matrix, names, paint);
  const largest = Math.max(...matrix.flat());
  const cells = Math.max(String(largest).length, String(matrix.length - 1).length);
  const fits = nameCells + matrix.length * (GAP.length + cells) <= WIDTH_CELLS;
  if (!fits) return pairLines(matrix, names, paint);
  const columns = matrix.map((_, prediction) => GAP + rightCell(String(prediction), cells)).join("");
  const title = leftCell("Label \\ as", nameCells);
  // What is right is as strong as its part of the row; what is wrong, beside the worst of all.
  const supports = matrix.map((row) => row.reduce((sum, images) => sum + images, 0));
  const worst = Math.max(...mostConfused(matrix, Infinity).map((one) => one.images / supports[one.label]));
  return [
    paint.strong(`${title}${columns}`),
    ...matrix.map((row, label) => {
      const painted = row.map((images, prediction) => {
        const cell = GAP + rightCell(String(images), cells);
        if (images === 0) return paint.faint(cell);
        const share = images / supports[label];
        return label === prediction ? paint.heat(cell, share, true) : paint.heat(cell, share / worst, false);
      });
      return leftCell(names[label], nameCells) + painted.join("");
    }),
  ];
}

function pairLines(matrix: readonly (readonly number[])[], names: readonly string[], paint: Paint): string[] {
  const pairs = mostConfused(matrix, LISTED_PAIRS);
  if (pairs.length === 0) return [];
  const cells = Math.max(...pairs.map(({ images }) => grouped(images).length));
  return [
    paint.strong("Most confused"),
    ...pairs.map(
      ({ label, prediction, images }) =>
        `${rightCell(grouped(images), cells)} of ${names[label]} taken for ${names[prediction]}`,
    ),
  ];
}
