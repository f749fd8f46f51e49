/** The mistakes, most confident first, and the filters over them. */
import type { NewCardList } from "./card-list.js";
import { element, section } from "./dom.js";
import { createFilters, type Filter } from "./filters.js";
import { confidenceOf, type PlacedImage, type Report } from "./report.js";
import { count, counted } from "./words.js";

const PAGE_SIZE = 24;

export function gallery(
  report: Report,
  images: readonly PlacedImage[],
  newCardList: NewCardList<PlacedImage>,
): HTMLElement {
  const mistakes = images.filter(({ label, prediction }) => label !== prediction);
  const told = element("p", { class: "note", role: "status" });
  const cards = newCardList(PAGE_SIZE);
  const all = report.result.total - report.result.correct;

  function show(filter: Filter): void {
    const shown = mistakes.filter((image) => passes(image, filter));
    told.textContent =
      shown.length === 0
        ? "No mistake fits these filters."
        : `${count(shown.length)} of ${counted(mistakes.length, "mistake")}, most confident first.`;
    cards.show(shown);
  }

  const filters = createFilters(report, mistakes, show);
  return section(
    "mistakes",
    "The mistakes",
    all === mistakes.length
      ? "Every image whose prediction is not its label. A mistake made with confidence is often a label that is open to question."
      : `The ${count(mistakes.length)} most confident of ${counted(all, "mistake")}; the report holds no more.`,
    filters,
    told,
    cards.root,
  );
}

function passes(image: PlacedImage, { label, prediction, least, most }: Filter): boolean {
  const confidence = confidenceOf(image);
  return (
    (label === undefined || image.label === label) &&
    (prediction === undefined || image.prediction === prediction) &&
    confidence >= least &&
    confidence <= most
  );
}
