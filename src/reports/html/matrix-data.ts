/** A square matrix of counts, cut to what a page can show of it. */
import { type Confusion, mostConfused } from "#src/reports/class-rows.js";
import type { MatrixCell, MatrixData } from "./page-data.js";

/** A matrix of more classes cannot be read. */
const MATRIX_CLASSES = 30;
const FREQUENT_CELLS = 8;

/** Where there are too many classes, those with the most images beside the diagonal, in their own order. */
export function matrixData(counts: readonly (readonly number[])[]): MatrixData {
  const rowTotals = counts.map(sum);
  const columnTotals = counts.map((_, column) => sum(counts.map((row) => row[column])));
  const beside = counts.map((row, label) => rowTotals[label] + columnTotals[label] - 2 * row[label]);
  const classes = counts
    .map((_, label) => label)
    .sort((a, b) => beside[b] - beside[a])
    .slice(0, MATRIX_CLASSES)
    .sort((a, b) => a - b);
  return {
    classes,
    counts: classes.map((row) => classes.map((column) => counts[row][column])),
    rowTotals: classes.map((label) => rowTotals[label]),
    columnTotals: classes.map((label) => columnTotals[label]),
    frequent: mostConfused(counts, FREQUENT_CELLS).map(cellOf),
  };
}

function cellOf({ label, prediction, images }: Confusion): MatrixCell {
  return { row: label, column: prediction, count: images };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
