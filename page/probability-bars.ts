/** An image's most probable classes as bars. */
import { element, setShare } from "./dom.js";
import type { PlacedImage, Report } from "./report.js";
import { confidence } from "./words.js";

/** The `most` most probable classes, and the label wherever it stands. */
export function probabilityBars({ nameOf }: Report, image: PlacedImage, most: number): HTMLElement {
  const shown = image.probabilities.filter(([label], rank) => rank < most || label === image.label);
  return element(
    "ul",
    { class: "bars", "aria-label": "Probabilities" },
    ...shown.map(([label, probability]) => {
      const bar = element("span", { class: "bar", "aria-hidden": "true" });
      setShare(bar, probability);
      return element(
        "li",
        { class: label === image.label ? "right" : "wrong" },
        element("span", { class: "name", title: nameOf(label) }, nameOf(label)),
        bar,
        element("span", { class: "number" }, confidence(probability)),
      );
    }),
  );
}
