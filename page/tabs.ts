/** Tabs over one panel, by the ARIA pattern "tabs": one stop of the tab key, arrow keys choose. */
import { element } from "./dom.js";

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
