/** Light or dark: as the reader's system has it, until the button says otherwise. */
import { element } from "./dom.js";

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
