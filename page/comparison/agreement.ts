/** The agreement matrix, and the images of its cells. */
import type { NewCardList } from "../card-list.js";
import { section } from "../dom.js";
import { matrixExplorer } from "../matrix-explorer.js";
import { count, counted, percent } from "../words.js";
import { type ComparisonReport, type PlacedCompared, whoIsRight } from "./comparison-report.js";

const PAGE_SIZE = 12;

export function agreement(
  { matrix, classNames, result, nameOf }: ComparisonReport,
  images: readonly PlacedCompared[],
  newCardList: NewCardList<PlacedCompared>,
): HTMLElement {
  const { agreed, total } = result;
  // Those that somebody gets wrong come first: of the others the page has a few alone.
  const inOrder = [
    ...images.filter((image) => whoIsRight(image) !== "both"),
    ...images.filter((image) => whoIsRight(image) === "both"),
  ];
  return section(
    "agreement",
    "Where they agree",
    `Both predict the same class for ${count(agreed)} of ${counted(total, "image")}${total === 0 ? "" : ` (${percent(agreed / total)})`}, rightly or not. Choose a cell to see its images; the arrow keys move through the grid.`,
    matrixExplorer({
      matrix,
      classNames,
      nameOf,
      cards: newCardList(PAGE_SIZE),
      name: "Agreement matrix: rows are predictions of A, columns predictions of B",
      corner: "A ↓ B →",
      besideDiagonal: "disagreements",
      nothingBeside: "They agree on every image.",
      cellName: (a, b) => `A predicts ${nameOf(a)}, B predicts ${nameOf(b)}`,
      cellTitle: (a, b) =>
        a === b ? `Both predict ${nameOf(a)}` : `A predicts ${nameOf(a)}, B predicts ${nameOf(b)}`,
      cellNote: ({ row, column, count: inCell }, shown) => shownNote(inCell, shown, row === column),
      imagesOf: (a, b) => inOrder.filter((image) => image.a === a && image.b === b),
    }),
  );
}

function shownNote(total: number, shown: number, isDiagonal: boolean): string {
  const order = isDiagonal ? "those that both get wrong first" : "in the order of the data";
  if (shown === total) return `${counted(total, "image")}, ${order}.`;
  return `${count(shown)} of ${counted(total, "image")}, ${order}; the page holds no more.`;
}
