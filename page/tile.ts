/** A figure of the headline: what it is, its value, and what to know of it. */
import { element } from "./dom.js";

export function tile(name: string, value: string, note: string): HTMLElement {
  return element(
    "div",
    { class: "tile" },
    element("dt", {}, name),
    element("dd", {}, element("b", {}, value), element("small", {}, note)),
  );
}
