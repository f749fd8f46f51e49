/** An image on a card: the picture, what it is, what it was taken for, and how surely. */
import { element } from "./dom.js";
import { describe, picture } from "./picture.js";
import { probabilityBars } from "./probability-bars.js";
import type { PlacedImage, Report } from "./report.js";
import { count } from "./words.js";

const BARS = 3;

export function card(report: Report, image: PlacedImage, enlarge: () => void): HTMLLIElement {
  const { nameOf } = report;
  const canvas = picture(report, image);
  const button = element("button", { type: "button", class: "enlarge" }, canvas);
  button.setAttribute("aria-label", `${describe(report, image)}. Enlarge`);
  button.addEventListener("click", enlarge);
  return element(
    "li",
    { class: "card" },
    button,
    element(
      "div",
      { class: "facts" },
      element(
        "p",
        { class: "verdict" },
        fact("label", nameOf(image.label), "right"),
        fact("predicted", nameOf(image.prediction), image.label === image.prediction ? "right" : "wrong"),
      ),
      probabilityBars(report, image, BARS),
      element("p", { class: "index" }, `image ${count(image.index)}`),
    ),
  );
}

export function fact(what: string, name: string, tone: "right" | "wrong"): HTMLElement {
  return element("span", { class: "fact" }, `${what} `, element("b", { class: tone, title: name }, name));
}
