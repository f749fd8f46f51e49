/** Section with the confusion matrix and the images of its cells; also the matrix explorer of all pages. */

import type { MatrixCell, MatrixData } from "../src/reports/html/page-data.js";
import type { PlacedImage, Report } from "./album.js";
import type { CardList, NewCardList } from "./cards.js";
import { count, counted, element, section, setShare } from "./dom.js";

const PAGE_SIZE = 12;

export function confusion(
  { matrix, classNames, nameOf }: Report,
  images: readonly PlacedImage[],
  newCardList: NewCardList<PlacedImage>,
): HTMLElement {
  return section(
    "confusion",
    "Confusion matrix",
    "Each row is a label, each column a prediction. Choose a cell to see its images; the arrow keys move through the grid.",
    matrixExplorer({
      matrix,
      classNames,
      nameOf,
      cards: newCardList(PAGE_SIZE),
      name: "Confusion matrix: rows are labels, columns predictions",
      corner: "label ↓ predicted →",
      besideDiagonal: "mistakes",
      nothingBeside: "There are no mistakes.",
      cellName: (label, prediction) => `label ${nameOf(label)}, predicted ${nameOf(prediction)}`,
      cellTitle: (label, prediction) => `Label ${nameOf(label)}, predicted ${nameOf(prediction)}`,
      cellNote: ({ row, column, count: total }, shown) => shownNote(total, shown, row === column),
      imagesOf: (label, prediction) =>
        images.filter((image) => image.label === label && image.prediction === prediction),
    }),
  );
}

function shownNote(total: number, shown: number, isRight: boolean): string {
  const order = isRight ? "least" : "most";
  if (shown === total) return `${counted(total, "image")}, ${order} confident first.`;
  return `The ${count(shown)} ${order} confident of ${counted(total, "image")}. The report does not contain the others.`;
}

/** Words and images of a matrix explorer. */
export interface Exploration<Image> extends MatrixWords {
  readonly matrix: MatrixData;
  readonly classNames: readonly string[];
  readonly cards: CardList<Image>;
  /** Plural noun for the cells off the diagonal: `mistakes`. */
  readonly besideDiagonal: string;
  /** Sentence shown if all cells off the diagonal are empty. */
  readonly nothingBeside: string;
  imagesOf(row: number, column: number): readonly Image[];
  cellTitle(row: number, column: number): string;
  /** Note above the images of a cell: how many are `shown`, in which order. */
  cellNote(cell: MatrixCell, shown: number): string;
}

/** Matrix for mouse and keyboard, with the images of the selected cell beside it. */
export function matrixExplorer<Image>(exploration: Exploration<Image>): HTMLElement {
  const { matrix, classNames, cards, besideDiagonal, imagesOf, cellTitle, cellNote } = exploration;
  const title = element("h3", { id: "cell-title" });
  const note = element("p", { class: "note" });
  const grid = createMatrix(matrix, exploration, (cell) => {
    const shown = imagesOf(cell.row, cell.column);
    title.textContent = cellTitle(cell.row, cell.column);
    note.textContent = cell.count === 0 ? "No images." : cellNote(cell, shown.length);
    cards.show(shown);
  });
  grid.select(matrix.frequent[0] ?? { row: 0, column: 0, count: matrix.counts[0]?.[0] ?? 0 });
  const [shownClasses, allClasses] = [matrix.classes.length, classNames.length];
  return element(
    "div",
    { class: "confusion" },
    element(
      "div",
      {},
      element("div", { class: "matrix-place" }, grid.root),
      ...(shownClasses < allClasses
        ? [
            element(
              "p",
              { class: "note" },
              `The ${count(shownClasses)} of ${counted(allClasses, "class", "classes")} with the most ${besideDiagonal}. Totals include all classes.`,
            ),
          ]
        : []),
      frequent(exploration, grid.select),
    ),
    element(
      "div",
      { class: "cell", role: "region", "aria-labelledby": "cell-title" },
      element("div", { "aria-live": "polite" }, title, note),
      cards.root,
    ),
  );
}

function frequent<Image>(
  { matrix, besideDiagonal, nothingBeside, nameOf, cellTitle }: Exploration<Image>,
  select: (cell: MatrixCell) => void,
): HTMLElement {
  if (matrix.frequent.length === 0) return element("p", { class: "note" }, nothingBeside);
  return element(
    "div",
    { class: "frequent" },
    element("h3", {}, `Most frequent ${besideDiagonal}`),
    element(
      "ul",
      {},
      ...matrix.frequent.map((cell) => {
        const button = element(
          "button",
          { type: "button", class: "chip", title: cellTitle(cell.row, cell.column) },
          `${nameOf(cell.row)} → ${nameOf(cell.column)} `,
          element("b", {}, count(cell.count)),
        );
        button.addEventListener("click", () => select(cell));
        return element("li", {}, button);
      }),
    ),
  );
}

/** Words for the rows and columns of a matrix. */
export interface MatrixWords {
  /** Label of the grid. */
  readonly name: string;
  readonly corner: string;
  nameOf(label: number): string;
  /** `label 3, predicted 5` */
  cellName(row: number, column: number): string;
}

export interface Matrix {
  readonly root: HTMLElement;
  /** Selects a cell, even if it is not in the grid. */
  select(cell: MatrixCell): void;
}

type Place = readonly [row: number, column: number];

/** Matrix by the ARIA pattern "grid": one cell is in the tab order, and arrow keys move the focus. */
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
    // The square root keeps single mistakes visible.
    return r === c ? value / Math.max(1, rowTotals[r]!) : Math.sqrt(value / mostWrong);
  }

  function moveTo([r, c]: Place): void {
    tds[current[0]]![current[1]]!.tabIndex = -1;
    current = [r, c];
    tds[r]![c]!.tabIndex = 0;
  }

  function select(cell: MatrixCell): void {
    const [r, c] = [classes.indexOf(cell.row), classes.indexOf(cell.column)];
    for (const td of tds.flat()) td.setAttribute("aria-selected", "false");
    if (r >= 0 && c >= 0) {
      tds[r]![c]!.setAttribute("aria-selected", "true");
      moveTo([r, c]);
    }
    onSelect(cell);
  }

  function onKey(event: KeyboardEvent): void {
    const [r, c] = current;
    const to = destination(event.key, r, c, last);
    if (to !== undefined) {
      moveTo(to);
      tds[to[0]]![to[1]]!.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      select({ row: classes[r]!, column: classes[c]!, count: counts[r]![c]! });
    } else return;
    event.preventDefault();
  }

  for (const [r, row] of tds.entries()) {
    for (const [c, td] of row.entries()) {
      const cell = { row: classes[r]!, column: classes[c]!, count: counts[r]![c]! };
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
        element("tr", {}, heading("row", nameOf(classes[r]!)), ...row, totalElement(rowTotals[r]!)),
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
