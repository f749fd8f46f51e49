/** Building blocks of pages: elements, numbers as text, tiles, charts and tables. Text from files never becomes markup. */

import * as Plot from "@observablehq/plot";

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
type Child = Node | string;

/** Creates an element. Attributes that are false or undefined are omitted; true becomes an empty attribute. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children);
  return made;
}

/** A section, for a link of the page's navigation. */
export function section(id: string, title: string, lead: string, ...children: readonly Child[]): HTMLElement {
  return element(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title),
    element("p", { class: "lead" }, lead),
    ...children,
  );
}

/** Region around a table that scrolls on narrow screens, also with the keyboard. */
export function tablePlace(name: string, table: HTMLTableElement): HTMLElement {
  return element("div", { class: "table-place", role: "region", "aria-label": name, tabindex: 0 }, table);
}

/**
 * Sets `--share`, which the style sheet uses as a length or a mix.
 * The security policy permits this, unlike a style attribute.
 */
export function setShare(target: HTMLElement, share: number): void {
  target.style.setProperty("--share", share.toFixed(4));
}

/** Format of counts, the same in every locale. */
const COUNT = new Intl.NumberFormat("en-US");

export function count(value: number): string {
  return COUNT.format(value);
}

/** `1 image`, `2,000 images` */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** `93.52 %` */
export function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** Confidence as text. It is never rounded to 0 % or 100 %, because softmax does not reach them. */
export function confidence(share: number): string {
  if (share >= 0.9995) return "> 99.9 %";
  if (share < 0.0005) return "< 0.1 %";
  return percent(share, 1);
}

/** Three significant digits: `0.0123 ms`, `1.60 ms`, `158 ms`. */
export function milliseconds(ms: number): string {
  return `${ms >= 100 ? count(Math.round(ms)) : ms.toPrecision(3)} ms`;
}

export function decimal(value: number | null, digits = 4): string {
  return value === null ? "–" : value.toFixed(digits);
}

/** A figure of the headline: name, value and note. */
export function tile(name: string, value: string, note: string): HTMLElement {
  return element(
    "div",
    { class: "tile" },
    element("dt", {}, name),
    element("dd", {}, element("b", {}, value), element("small", {}, note)),
  );
}

export type Draw = (width: number) => Plot.PlotOptions;

/** A chart as wide as its place. It is drawn again when the width changes. `description` is its text alternative. */
export function chart(caption: string, description: string, draw: Draw): HTMLElement {
  const place = element("div", { class: "plot-place" });
  let drawnWidth = 0;
  new ResizeObserver(() => {
    const width = Math.floor(place.clientWidth);
    if (width === 0 || width === drawnWidth) return;
    drawnWidth = width;
    const plotted = Plot.plot({ ...draw(width), width, className: "plot" });
    // The policy permits only our style sheet, which holds Plot's rules.
    for (const style of plotted.querySelectorAll("style")) style.remove();
    // Groups have no role, so they must not have a name.
    for (const group of plotted.querySelectorAll("g[aria-label]")) group.removeAttribute("aria-label");
    plotted.setAttribute("role", "img");
    plotted.setAttribute("aria-label", description);
    place.replaceChildren(plotted);
  }).observe(place);
  return element("figure", { class: "chart" }, element("figcaption", {}, caption), place);
}

/** A table of numbers. Each row starts with its name. */
export type NamedRow = readonly [name: string, ...cells: readonly string[]];

export interface NumbersTable {
  /** Name for screen readers. */
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
