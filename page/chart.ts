/** A chart by Observable Plot, as wide as its place, drawn again when that changes. */
import * as Plot from "@observablehq/plot";
import { element } from "./dom.js";

export type Draw = (width: number) => Plot.PlotOptions;

/** A figure whose picture is told in words by `description`. */
export function chart(caption: string, description: string, draw: Draw): HTMLElement {
  const place = element("div", { class: "plot-place" });
  let drawnWidth = 0;
  new ResizeObserver(() => {
    const width = Math.floor(place.clientWidth);
    if (width === 0 || width === drawnWidth) return;
    drawnWidth = width;
    const plotted = Plot.plot({ ...draw(width), width, className: "plot" });
    // Its rules are in our style sheet, since the policy knows that one alone.
    for (const style of plotted.querySelectorAll("style")) style.remove();
    // Names of groups, which have no role that could bear one.
    for (const group of plotted.querySelectorAll("g[aria-label]")) group.removeAttribute("aria-label");
    plotted.setAttribute("role", "img");
    plotted.setAttribute("aria-label", description);
    place.replaceChildren(plotted);
  }).observe(place);
  return element("figure", { class: "chart" }, element("figcaption", {}, caption), place);
}
