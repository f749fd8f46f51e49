/** What every page has around its sections: the way to them, and light or dark. */
import { element } from "./dom.js";
import { themeButton } from "./theme.js";

export interface Framed {
  /** What the page is: `report`. */
  readonly what: string;
  readonly hasLongNames: boolean;
  readonly headline: HTMLElement;
  /** By the names that lead to them. */
  readonly sections: readonly { readonly name: string; readonly content: HTMLElement }[];
}

export function showFramed({ what, hasLongNames, headline, sections }: Framed): void {
  const links = sections.map(({ name, content }) =>
    element("li", {}, element("a", { href: `#${content.id}` }, name)),
  );
  document.body.prepend(
    element("a", { class: "skip", href: "#main" }, `Skip to the ${what}`),
    element(
      "header",
      { class: "top" },
      element("span", { class: "brand" }, "Batchwise"),
      element("nav", { "aria-label": "Sections" }, element("ul", {}, ...links)),
      themeButton(),
    ),
    element(
      "main",
      { id: "main", class: hasLongNames ? "long-names" : undefined },
      headline,
      ...sections.map(({ content }) => content),
    ),
    element("footer", {}, "Made by Batchwise. This file holds all that it shows and loads nothing."),
  );
}
