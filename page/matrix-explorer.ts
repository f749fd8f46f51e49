/** A matrix for mouse and keyboard, and beside it the images of the cell that is chosen. */
import type { MatrixCell, MatrixData } from "#src/reports/html/page-data.js";
import type { CardList } from "./card-list.js";
import { element } from "./dom.js";
import { createMatrix, type MatrixWords } from "./matrix.js";
import { count, counted } from "./words.js";

export interface Exploration<Image> extends MatrixWords {
  readonly matrix: MatrixData;
  readonly classNames: readonly string[];
  readonly cards: CardList<Image>;
  /** What the cells beside the diagonal are: `mistakes`. */
  readonly besideDiagonal: string;
  /** Where all of those are empty. */
  readonly nothingBeside: string;
  imagesOf(row: number, column: number): readonly Image[];
  cellTitle(row: number, column: number): string;
  /** How many of the cell's images are `shown`, in which order. */
  cellNote(cell: MatrixCell, shown: number): string;
}

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
  grid.select(matrix.frequent[0] ?? { row: 0, column: 0, count: matrix.counts[0][0] });
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
              `The ${count(shownClasses)} of ${counted(allClasses, "class", "classes")} with the most ${besideDiagonal}; totals are of all.`,
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
