/** Table of classes and confusion matrix as text. With many classes, only the worst ones are shown. */

import type { ClassAverages, ClassMetrics, ConfusionMetrics } from "#src/base/contracts/metrics.js";
import { grouped } from "#src/base/errors/define.js";
import { leftCell, type Paint, rightCell } from "./cells.js";

/** Most rows of the table of classes. */
const MOST_CLASS_ROWS = 40;
const WORST_CLASSES = 20;

export interface Confusion {
  readonly label: number;
  readonly prediction: number;
  readonly images: number;
}

/**
 * All classes in order; or, with more than 40 classes, the 20 with the lowest F1, ascending.
 * These leave out classes without images and predictions.
 */
export function classesShown(perClass: readonly ClassMetrics[]): readonly ClassMetrics[] {
  if (perClass.length <= MOST_CLASS_ROWS) return perClass;
  return perClass
    .filter(({ f1 }) => f1 !== null)
    .sort((a, b) => (a.f1 ?? 0) - (b.f1 ?? 0) || a.label - b.label)
    .slice(0, WORST_CLASSES);
}

/** The `most` largest cells off the diagonal, in descending order. Equal cells stay in the order of the matrix. */
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

const COLUMNS = ["Support", "Precision", "Recall", "F1"] as const;
const COLUMN_CELLS = 11;
const NONE = "-";

/**
 * Table of precision, recall and F1: a row per class, then the means.
 *
 * @param names displayed names of all classes, at most `nameCells` wide
 */
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
      ? [paint.faint(`lowest F1 of ${grouped(perClass.length)} classes; --format csv lists all classes`)]
      : []),
    ...means.map(paint.faint),
  ];
}

type Shares = { readonly [K in keyof ClassAverages]: number | null };

function shares({ precision, recall, f1 }: Shares): string[] {
  return [precision, recall, f1].map((share) => share?.toFixed(4) ?? NONE);
}

const WIDTH_CELLS = 80;
const MOST_MATRIX_CLASSES = 16;
const LISTED_PAIRS = 10;
const GAP = " ";

/**
 * Confusion matrix if it fits in 80 cells and has at most 16 classes. Otherwise, the 10 largest cells off the diagonal.
 *
 * @param names displayed names of all classes
 */
export function confusionLines(
  matrix: readonly (readonly number[])[],
  names: readonly string[],
  nameCells: number,
  paint: Paint,
): string[] {
  // First, because a large matrix has more cells than a call can have arguments.
  if (matrix.length > MOST_MATRIX_CLASSES) return pairLines(matrix, names, paint);
  const largest = Math.max(...matrix.flat());
  const cells = Math.max(String(largest).length, String(matrix.length - 1).length);
  const fits = nameCells + matrix.length * (GAP.length + cells) <= WIDTH_CELLS;
  if (!fits) return pairLines(matrix, names, paint);
  const columns = matrix.map((_, prediction) => GAP + rightCell(String(prediction), cells)).join("");
  const title = leftCell("Label \\ as", nameCells);
  // On the diagonal, the strength is the share of the row. Off the diagonal, it is relative to the worst cell.
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
        `${rightCell(grouped(images), cells)} of ${names[label]} predicted as ${names[prediction]}`,
    ),
  ];
}
