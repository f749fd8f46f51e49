/** The grid of a matrix of classes, by the ARIA pattern "grid": one cell is in the order of tabs, arrow keys move it. */
import type { MatrixCell, MatrixData } from "#src/reports/html/page-data.js";
import { element, setShare } from "./dom.js";

/** What rows and columns mean. */
export interface MatrixWords {
  /** Of the grid. */
  readonly name: string;
  readonly corner: string;
  nameOf(label: number): string;
  /** `label 3, predicted 5` */
  cellName(row: number, column: number): string;
}

export interface Matrix {
  readonly root: HTMLElement;
  /** Also of a cell that is not in the grid. */
  select(cell: MatrixCell): void;
}

type Place = readonly [row: number, column: number];

export function createMatrix(
  { classes, counts, rowTotals, columnTotals }: MatrixData,
  { name, corner, nameOf, cellName }: MatrixWords,
  onSelect: (cell: MatrixCell) => void,
): Matrix {
  const mostWrong = Math.max(1, ...counts.flatMap((row, r) => row.filter((_, c) => r !== c)));
  const tds = counts.map((row, r) => row.map((value, c) => cellElement(value, heatOf(value, r, c), r === c)));
  const last = classes.length - 1;
  let current: Place = [0, 0];

  function heatOf(value: number, r: number, c: number): number {
    // The root, so that one mistake among many is still seen.
    return r === c ? value / Math.max(1, rowTotals[r]) : Math.sqrt(value / mostWrong);
  }

  function moveTo([r, c]: Place): void {
    tds[current[0]][current[1]].tabIndex = -1;
    current = [r, c];
    tds[r][c].tabIndex = 0;
  }

  function select(cell: MatrixCell): void {
    const [r, c] = [classes.indexOf(cell.row), classes.indexOf(cell.column)];
    for (const td of tds.flat()) td.setAttribute("aria-selected", "false");
    if (r >= 0 && c >= 0) {
      tds[r][c].setAttribute("aria-selected", "true");
      moveTo([r, c]);
    }
    onSelect(cell);
  }

  function onKey(event: KeyboardEvent): void {
    const [r, c] = current;
    const to = destination(event.key, r, c, last);
    if (to !== undefined) {
      moveTo(to);
      tds[to[0]][to[1]].focus();
    } else if (event.key === "Enter" || event.key === " ") {
      select({ row: classes[r], column: classes[c], count: counts[r][c] });
    } else return;
    event.preventDefault();
  }

  for (const [r, row] of tds.entries()) {
    for (const [c, td] of row.entries()) {
      const cell = { row: classes[r], column: classes[c], count: counts[r][c] };
      const words = `${cellName(cell.row, cell.column)}: ${cell.count} ${cell.count === 1 ? "image" : "images"}`;
      td.setAttribute("aria-label", words);
      td.title = words;
      td.addEventListener("click", () => select(cell));
    }
  }
  const headings = classes.map((label) => heading("col", nameOf(label)));
  const root = element(
    "table",
    {
      class: "matrix",
      role: "grid",
      "aria-label": name,
    },
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("th", { scope: "col", class: "corner" }, corner),
        ...headings,
        heading("col", "Σ", "total"),
      ),
    ),
    element(
      "tbody",
      {},
      ...tds.map((row, r) =>
        element("tr", {}, heading("row", nameOf(classes[r])), ...row, totalElement(rowTotals[r])),
      ),
    ),
    element(
      "tfoot",
      {},
      element(
        "tr",
        {},
        heading("row", "Σ", "total"),
        ...columnTotals.map(totalElement),
        totalElement(rowTotals.reduce((a, b) => a + b, 0)),
      ),
    ),
  );
  root.addEventListener("keydown", onKey);
  return { root, select };
}

function destination(key: string, r: number, c: number, last: number): Place | undefined {
  switch (key) {
    case "ArrowUp":
      return [Math.max(0, r - 1), c];
    case "ArrowDown":
      return [Math.min(last, r + 1), c];
    case "ArrowLeft":
      return [r, Math.max(0, c - 1)];
    case "ArrowRight":
      return [r, Math.min(last, c + 1)];
    case "Home":
      return [r, 0];
    case "End":
      return [r, last];
    default:
      return undefined;
  }
}

function cellElement(value: number, heat: number, isDiagonal: boolean): HTMLTableCellElement {
  const td = element(
    "td",
    { role: "gridcell", tabindex: -1, class: isDiagonal ? "diagonal" : value === 0 ? "zero" : "wrong" },
    String(value),
  );
  setShare(td, heat);
  return td;
}

function heading(scope: "col" | "row", name: string, meaning = name): HTMLElement {
  return element("th", { scope, title: meaning, "aria-label": meaning }, element("span", {}, name));
}

function totalElement(value: number): HTMLElement {
  return element("td", { class: "total" }, String(value));
}
