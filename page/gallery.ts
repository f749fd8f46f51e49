/** The mistakes, most confident first, and the filters over them. */

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

// What the gallery is narrowed by: label, predicted class, and confidence from and to.

export interface Filter {
  readonly label: number | undefined;
  readonly prediction: number | undefined;
  /** Bounds of the confidence, both included. */
  readonly least: number;
  readonly most: number;
}

/** A form that calls `onChange` at once, and with each change. */
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

  // The two ends push each other along.
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
    field("Confidence, least", least),
    field("Confidence, most", most),
    told,
    reset,
  );
  form.addEventListener("input", change);
  form.addEventListener("submit", (event) => event.preventDefault());
  // The fields have their first values again only after the event.
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
