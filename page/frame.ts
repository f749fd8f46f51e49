/** What every page has around its sections: the way to them, and light or dark. */

import { element } from "./dom.js";

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

// Light or dark: as the reader's system has it, until the button says otherwise.

const DARK = matchMedia("(prefers-color-scheme: dark)");

export function themeButton(): HTMLElement {
  const button = element("button", { type: "button", class: "button theme" });
  const isDark = () =>
    (document.documentElement.dataset.theme ?? (DARK.matches ? "dark" : "light")) === "dark";
  const name = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  DARK.addEventListener("change", name);
  name();
  return button;
}

// Tabs over one panel, by the ARIA pattern "tabs": one stop of the tab key, arrow keys choose.

/** The tab list; `show` fills the panel of that id, at once with the first tab's. */
export function tabList(
  name: string,
  tabs: readonly string[],
  panel: HTMLElement,
  show: (tab: number) => void,
): HTMLElement {
  const buttons = tabs.map((text, n) =>
    element(
      "button",
      { type: "button", role: "tab", class: "tab", id: `${panel.id}-${n}`, "aria-controls": panel.id },
      text,
    ),
  );
  panel.setAttribute("role", "tabpanel");

  function select(chosen: number): void {
    for (const [n, button] of buttons.entries()) {
      button.setAttribute("aria-selected", String(n === chosen));
      button.tabIndex = n === chosen ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", buttons[chosen].id);
    show(chosen);
  }

  const last = buttons.length - 1;
  for (const [n, button] of buttons.entries()) {
    button.addEventListener("click", () => select(n));
    button.addEventListener("keydown", (event) => {
      const to = destination(event.key, n, last);
      if (to === undefined) return;
      event.preventDefault();
      select(to);
      buttons[to].focus();
    });
  }
  select(0);
  return element("div", { class: "tabs", role: "tablist", "aria-label": name }, ...buttons);
}

/** Beyond an end the other end follows. */
function destination(key: string, from: number, last: number): number | undefined {
  switch (key) {
    case "ArrowLeft":
      return from === 0 ? last : from - 1;
    case "ArrowRight":
      return from === last ? 0 : from + 1;
    case "Home":
      return 0;
    case "End":
      return last;
    default:
      return undefined;
  }
}
