/** Frame of each page: navigation, light and dark colours, footer; also tabs. */

import { element } from "./dom.js";

export interface Framed {
  /** Noun for the page: `report`. */
  readonly what: string;
  readonly hasLongNames: boolean;
  readonly headline: HTMLElement;
  /** Sections, with their names in the navigation. */
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
    element("footer", {}, "Made by Batchwise. This file is complete: it loads nothing from a network."),
  );
}

/** The colours follow the reader's system until the button is used. */
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

/**
 * Tab list by the ARIA pattern "tabs": one stop of the tab key; arrow keys select.
 * `show` fills the panel; it is called at once for the first tab.
 */
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
    panel.setAttribute("aria-labelledby", buttons[chosen]!.id);
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
      buttons[to]!.focus();
    });
  }
  select(0);
  return element("div", { class: "tabs", role: "tablist", "aria-label": name }, ...buttons);
}

/** Tab that a key leads to, or undefined. The last tab is followed by the first. */
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
