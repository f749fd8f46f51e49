/** Makes elements out of text, never out of markup: what a file brought stays text. */

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
type Child = Node | string;

/** Attributes that are false or undefined are left out; true ones are empty. */
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

/** A section that the page's navigation leads to. */
export function section(id: string, title: string, lead: string, ...children: readonly Child[]): HTMLElement {
  return element(
    "section",
    { id, "aria-labelledby": `${id}-title` },
    element("h2", { id: `${id}-title` }, title),
    element("p", { class: "lead" }, lead),
    ...children,
  );
}

/** A table that scrolls by itself where the screen is narrow, with the keyboard too. */
export function tablePlace(name: string, table: HTMLTableElement): HTMLElement {
  return element("div", { class: "table-place", role: "region", "aria-label": name, tabindex: 0 }, table);
}

/** What the style sheet reads as a length or a mix; set through the object model, which the policy allows. */
export function setShare(target: HTMLElement, share: number): void {
  target.style.setProperty("--share", share.toFixed(4));
}
