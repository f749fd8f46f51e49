/** The top of a page: what it is of, its one figure in large, what that means, and tiles beside it. */
import { assumedText } from "#src/base/assumptions.js";
import type { Assumption } from "#src/base/contracts/assumption.js";
import { element } from "./dom.js";

export interface Hero {
  readonly kicker: string;
  readonly title: string;
  /** Where what is told is not of all that was asked for. */
  readonly warning: string | undefined;
  /** What the figures rest on although nobody states it. */
  readonly assumptions: readonly Assumption[];
  readonly figure: string;
  readonly unit: string;
  readonly lead: string;
  /** Below the lead. */
  readonly more: readonly HTMLElement[];
  readonly tiles: readonly HTMLElement[];
}

export function hero({
  kicker,
  title,
  warning,
  assumptions,
  figure,
  unit,
  lead,
  more,
  tiles,
}: Hero): HTMLElement {
  return element(
    "section",
    { class: "headline", "aria-labelledby": "headline-title" },
    element(
      "div",
      { class: "hero" },
      element("p", { class: "kicker" }, kicker),
      element("h1", { id: "headline-title" }, title),
      ...(warning === undefined ? [] : [element("p", { class: "warning" }, warning)]),
      ...(assumptions.length === 0
        ? []
        : [element("p", { class: "warning" }, `Assumed: ${assumedText(assumptions)}.`)]),
      element("p", { class: "accuracy" }, figure, element("small", {}, unit)),
      element("p", { class: "lead" }, lead),
      ...more,
    ),
    element("dl", { class: "tiles" }, ...tiles),
  );
}
