/** A table of numbers, each row under a name. */
import { element, tablePlace } from "./dom.js";

export type NamedRow = readonly [name: string, ...cells: readonly string[]];

export interface NumbersTable {
  /** For who does not see where it stands. */
  readonly name: string;
  readonly caption?: string;
  readonly head: readonly string[];
  readonly rows: readonly NamedRow[];
  readonly means?: readonly NamedRow[];
}

export function numbersTable({ name, caption, head, rows, means = [] }: NumbersTable): HTMLElement {
  return tablePlace(
    name,
    element(
      "table",
      { class: "numbers" },
      ...(caption === undefined ? [] : [element("caption", {}, caption)]),
      element("thead", {}, element("tr", {}, ...head.map((cell) => element("th", { scope: "col" }, cell)))),
      element("tbody", {}, ...rows.map(rowElement)),
      ...(means.length === 0 ? [] : [element("tfoot", {}, ...means.map(rowElement))]),
    ),
  );
}

function rowElement([name, ...cells]: NamedRow): HTMLElement {
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, name),
    ...cells.map((cell) => element("td", {}, cell)),
  );
}
