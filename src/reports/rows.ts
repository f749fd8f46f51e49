/** Lines of a text answer that begin with a name, their values below each other. */
import { cellsOf, leftCell } from "./cells.js";

export type Row = readonly [name: string, value: string];

/** The names that all answers have in common are no longer. */
const NAME_CELLS = 8;

export function rowLines(rows: readonly Row[]): string[] {
  const nameCells = Math.max(NAME_CELLS, ...rows.map(([name]) => cellsOf(name)));
  return rows.map(([name, value]) => `${leftCell(name, nameCells)} : ${value}`);
}
