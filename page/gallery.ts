/** Section with the mistakes, most confident first, and their filters. */

import { confidenceOf, type PlacedImage, type Report } from "./album.js";
import type { NewCardList } from "./cards.js";
import { count, counted, element, section } from "./dom.js";

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
        ? "No mistake matches these filters."
        : `${count(shown.length)} of ${counted(mistakes.length, "mistake")}, most confident first.`;
    cards.show(shown);
  }

  const filters = createFilters(report, mistakes, show);
  return section(
    "mistakes",
    "Mistakes",
    all === mistakes.length
      ? "All images whose prediction differs from the label. A confident mistake often points to a wrong or ambiguous label."
      : `The ${count(mistakes.length)} most confident of ${counted(all, "mistake")}. The report does not contain the others.`,
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

/** Filters of the gallery: label, predicted class and confidence. */
export interface Filter {
  readonly label: number | undefined;
  readonly prediction: number | undefined;
  /** Inclusive bounds of the confidence. */
  readonly least: number;
  readonly most: number;
}

/** Form of the filters. It calls `onChange` at once and after each change. */
export function createFilters(
  report: Report,
  images: readonly PlacedImage[],
  onChange: (filter: Filter) => void,
): HTMLElement {
  const label = classSelect(report, new Set(images.map((image) => image.label)));
  const prediction = classSelect(report, new Set(images.map((image) => image.prediction)));
  const [least, most] = [slider(0), slider(100)];
  const told = element("output", { class: "range-told" });

  function change(): void {
    told.value = `${least.value} % to ${most.value} %`;
    onChange({
      label: chosen(label),
      prediction: chosen(prediction),
      least: least.valueAsNumber / 100,
      most: most.valueAsNumber / 100,
    });
  }

  // The lower bound never exceeds the upper one.
  least.addEventListener("input", () => {
    most.value = String(Math.max(most.valueAsNumber, least.valueAsNumber));
  });
  most.addEventListener("input", () => {
    least.value = String(Math.min(least.valueAsNumber, most.valueAsNumber));
  });
  const reset = element("button", { type: "reset", class: "button" }, "All mistakes");
  const form = element(
    "form",
    { class: "filters", "aria-label": "Filter the mistakes" },
    field("Label", label),
    field("Predicted", prediction),
    field("Lowest confidence", least),
    field("Highest confidence", most),
    told,
    reset,
  );
  form.addEventListener("input", change);
  form.addEventListener("submit", (event) => event.preventDefault());
  // The fields are reset only after the event.
  form.addEventListener("reset", () => setTimeout(change));
  change();
  return form;
}

function field(name: string, control: HTMLInputElement | HTMLSelectElement): HTMLElement {
  control.id = `filter-${name.replaceAll(/\W+/g, "-").toLowerCase()}`;
  return element("div", { class: "field" }, element("label", { for: control.id }, name), control);
}

function classSelect({ nameOf }: Report, labels: ReadonlySet<number>): HTMLSelectElement {
  const options = [...labels]
    .sort((a, b) => a - b)
    .map((label) => element("option", { value: label }, nameOf(label)));
  return element("select", {}, element("option", { value: "" }, "any"), ...options);
}

function slider(value: number): HTMLInputElement {
  return element("input", { type: "range", min: 0, max: 100, step: 1, value });
}

function chosen({ value }: HTMLSelectElement): number | undefined {
  return value === "" ? undefined : Number(value);
}
