/** The confusion matrix: a grid for mouse and keyboard, and the images of the cell that is chosen. */
import { createCardList } from "./card-list.js";
import { element, section } from "./dom.js";
import type { OpenLightbox } from "./lightbox.js";
import { type Cell, createMatrix } from "./matrix.js";
import type { PlacedImage, Report } from "./report.js";
import { count, counted } from "./words.js";

const PAGE_SIZE = 12;

export function confusion(report: Report, images: readonly PlacedImage[], open: OpenLightbox): HTMLElement {
  const { matrix, classNames, nameOf } = report;
  const title = element("h3", { id: "cell-title" });
  const note = element("p", { class: "note" });
  const cards = createCardList(report, open, PAGE_SIZE);

  function show({ label, prediction, count: total }: Cell): void {
    const shown = images.filter((image) => image.label === label && image.prediction === prediction);
    title.textContent =
      label === prediction
        ? `Label ${nameOf(label)}, predicted rightly`
        : `Label ${nameOf(label)}, predicted ${nameOf(prediction)}`;
    note.textContent = shownNote(total, shown.length, label === prediction);
    cards.show(shown);
  }

  const grid = createMatrix(report, show);
  const first = matrix.confusions[0] ?? { label: 0, prediction: 0, count: matrix.counts[0][0] };
  grid.select(first);
  return section(
    "confusion",
    "Where it is right and wrong",
    "Each row is a label, each column a prediction. Choose a cell to see its images; the arrow keys move through the grid.",
    element(
      "div",
      { class: "confusion" },
      element(
        "div",
        {},
        element("div", { class: "matrix-place" }, grid.root),
        ...(matrix.classes.length < classNames.length
          ? [
              element(
                "p",
                { class: "note" },
                `The ${count(matrix.classes.length)} of ${counted(classNames.length, "class", "classes")} with the most mistakes; totals are of all.`,
              ),
            ]
          : []),
        frequent(report, grid.select),
      ),
      element(
        "div",
        { class: "cell", role: "region", "aria-labelledby": "cell-title" },
        element("div", { "aria-live": "polite" }, title, note),
        cards.root,
      ),
    ),
  );
}

function shownNote(total: number, shown: number, isRight: boolean): string {
  if (total === 0) return "No images.";
  const order = isRight ? "least" : "most";
  if (shown === total) return `${counted(total, "image")}, ${order} confident first.`;
  return `The ${count(shown)} ${order} confident of ${counted(total, "image")}; the report holds no more.`;
}

function frequent({ matrix, nameOf }: Report, select: (cell: Cell) => void): HTMLElement {
  if (matrix.confusions.length === 0)
    return element("p", { class: "note" }, "Nothing is confused with anything.");
  return element(
    "div",
    { class: "frequent" },
    element("h3", {}, "Most frequent mistakes"),
    element(
      "ul",
      {},
      ...matrix.confusions.map((cell) => {
        const words = `Label ${nameOf(cell.label)}, predicted ${nameOf(cell.prediction)}`;
        const button = element(
          "button",
          { type: "button", class: "chip", title: words },
          `${nameOf(cell.label)} → ${nameOf(cell.prediction)} `,
          element("b", {}, count(cell.count)),
        );
        button.addEventListener("click", () => select(cell));
        return element("li", {}, button);
      }),
    ),
  );
}
