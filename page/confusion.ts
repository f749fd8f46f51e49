/** The confusion matrix, and the images of its cells. */
import type { NewCardList } from "./card-list.js";
import { section } from "./dom.js";
import { matrixExplorer } from "./matrix-explorer.js";
import type { PlacedImage, Report } from "./report.js";
import { count, counted } from "./words.js";

const PAGE_SIZE = 12;

export function confusion(
  { matrix, classNames, nameOf }: Report,
  images: readonly PlacedImage[],
  newCardList: NewCardList<PlacedImage>,
): HTMLElement {
  return section(
    "confusion",
    "Where it is right and wrong",
    "Each row is a label, each column a prediction. Choose a cell to see its images; the arrow keys move through the grid.",
    matrixExplorer({
      matrix,
      classNames,
      nameOf,
      cards: newCardList(PAGE_SIZE),
      name: "Confusion matrix: rows are labels, columns predictions",
      corner: "label ↓ predicted →",
      besideDiagonal: "mistakes",
      nothingBeside: "Nothing is confused with anything.",
      cellName: (label, prediction) => `label ${nameOf(label)}, predicted ${nameOf(prediction)}`,
      cellTitle: (label, prediction) =>
        `Label ${nameOf(label)}, predicted ${label === prediction ? "rightly" : nameOf(prediction)}`,
      cellNote: ({ row, column, count: total }, shown) => shownNote(total, shown, row === column),
      imagesOf: (label, prediction) =>
        images.filter((image) => image.label === label && image.prediction === prediction),
    }),
  );
}

function shownNote(total: number, shown: number, isRight: boolean): string {
  const order = isRight ? "least" : "most";
  if (shown === total) return `${counted(total, "image")}, ${order} confident first.`;
  return `The ${count(shown)} ${order} confident of ${counted(total, "image")}; the report holds no more.`;
}
