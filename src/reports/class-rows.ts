/** Which classes, and which of their confusions, a person is shown: all of a few, the worst of many. */
import type { ClassMetrics } from "#src/base/contracts/metrics.js";

/** More classes than this are a table that nobody reads. */
const MOST_CLASSES = 40;
const WORST_CLASSES = 20;

export interface Confusion {
  readonly label: number;
  readonly prediction: number;
  readonly images: number;
}

/** All in order, or the lowest F1 first where there are more than forty; a class without images or predictions is none. */
export function classesShown(perClass: readonly ClassMetrics[]): readonly ClassMetrics[] {
  if (perClass.length <= MOST_CLASSES) return perClass;
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
