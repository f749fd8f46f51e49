/** Which classes, and which of their confusions, a person is shown: all of a few, the worst of many. */

import type { ClassAverages, ClassMetrics, ConfusionMetrics } from "#src/base/contracts/metrics.js";
import { grouped } from "#src/base/errors/define.js";
import { leftCell, type Paint, rightCell } from "./cells.js";

/** More classes than this are a table that nobody reads. */
const MOST_CLASS_ROWS = 40;
const WORST_CLASSES = 20;

export interface Confusion {
  readonly label: number;
  readonly prediction: number;
  readonly images: number;
}

/** All in order, or the lowest F1 first where there are more than forty; a class without images or predictions is none. */
export function classesShown(perClass: readonly ClassMetrics[]): readonly ClassMetrics[] {
  if (perClass.length <= MOST_CLASS_ROWS) return perClass;
  return perClass
    .filter(({ f1 }) => f1 !== null)
    .sort((a, b) => (a.f1 ?? 0) - (b.f1 ?? 0) || a.label - b.label)
    .slice(0, WORST_CLASSES);
}

/** The `most` largest cells off the diagonal, largest first; of equals, in the order of the matrix. */
export function mostConfused(matrix: readonly (readonly number[])[], most: number): Confusion[] {
  return matrix
    .flatMap((row, label) =>
      row.flatMap((images, prediction) =>
        images > 0 && label !== prediction ? [{ label, prediction, images }] : [],
      ),
    )
    .sort((a, b) => b.images - a.images)
    .slice(0, most);
}

// What is said of each class, and their means, as a table of text.

const COLUMNS = ["Support", "Precision", "Recall", "F1"] as const;
const COLUMN_CELLS = 11;
const NONE = "-";

/** @param names of the classes, as they are shown, none wider than `nameCells` */
export function classLines(
  { perClass, averages }: ConfusionMetrics,
  names: readonly string[],
  nameCells: number,
  paint: Paint,
): string[] {
  const line = (name: string, values: readonly string[]) =>
    leftCell(name, nameCells) + values.map((value) => rightCell(value, COLUMN_CELLS)).join("");
  const shown = classesShown(perClass);
  const total = perClass.reduce((sum, { support }) => sum + support, 0);
  const means = (["macro", "micro", "weighted"] as const).map((kind) =>
    line(`${kind} mean`, [grouped(total), ...shares(averages[kind])]),
  );
  return [
    paint.strong(line("Class", COLUMNS)),
    ...shown.map((one) => line(names[one.label]!, [grouped(one.support), ...shares(one)])),
    ...(shown.length < perClass.length
      ? [paint.faint(`the lowest F1 of ${grouped(perClass.length)} classes; --format csv has all`)]
      : []),
    ...means.map(paint.faint),
  ];
}

type Shares = { readonly [K in keyof ClassAverages]: number | null };

function shares({ precision, recall, f1 }: Shares): string[] {
  return [precision, recall, f1].map((share) => share?.toFixed(4) ?? NONE);
}

// The confusion matrix as text: a matrix where it fits, else its largest mistakes.

const WIDTH_CELLS = 80;
const MOST_MATRIX_CLASSES = 16;
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
  if (matrix.length > MOST_MATRIX_CLASSES) return pairLines(matrix, names, paint);
  const largest = Math.max(...matrix.flat());
  const cells = Math.max(String(largest).length, String(matrix.length - 1).length);
  const fits = nameCells + matrix.length * (GAP.length + cells) <= WIDTH_CELLS;
  if (!fits) return pairLines(matrix, names, paint);
  const columns = matrix.map((_, prediction) => GAP + rightCell(String(prediction), cells)).join("");
  const title = leftCell("Label \\ as", nameCells);
  // What is right is as strong as its part of the row; what is wrong, beside the worst of all.
  const supports = matrix.map((row) => row.reduce((sum, images) => sum + images, 0));
  const worst = Math.max(...mostConfused(matrix, Infinity).map((one) => one.images / supports[one.label]!));
  return [
    paint.strong(`${title}${columns}`),
    ...matrix.map((row, label) => {
      const painted = row.map((images, prediction) => {
        const cell = GAP + rightCell(String(images), cells);
        if (images === 0) return paint.faint(cell);
        const share = images / supports[label]!;
        return label === prediction ? paint.heat(cell, share, true) : paint.heat(cell, share / worst, false);
      });
      return leftCell(names[label]!, nameCells) + painted.join("");
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
