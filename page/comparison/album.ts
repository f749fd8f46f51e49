/** Data and images of a comparison's page, and differences as text. */

import type { ComparedImage, ComparisonPageData } from "../../src/reports/html/page-data.js";
import { type Album, fact, type Placed, type Shown, verdict } from "../album.js";
import { count, element } from "../dom.js";

export interface ComparisonReport extends ComparisonPageData, Shown {}

export type PlacedCompared = ComparedImage & Placed;

/** CSS colours of the two sides. */
export const COLOURS = { a: "var(--side-a)", b: "var(--side-b)" } as const;

export type Right = keyof ComparisonPageData["result"]["right"];

export function whoIsRight({ label, a, b }: ComparedImage): Right {
  if (a === label) return b === label ? "both" : "onlyA";
  return b === label ? "onlyB" : "neither";
}

/** Images of a comparison, with the label and both predictions. */
export function comparedAlbum(report: ComparisonReport): Album<PlacedCompared> {
  const { shape, pixelsOf, nameOf } = report;
  return {
    shape,
    pixelsOf,
    describe: ({ index, label, a, b }) =>
      `Image ${count(index)}: label ${nameOf(label)}, A predicts ${nameOf(a)}, B predicts ${nameOf(b)}`,
    facts: (image, where) => [
      where === "enlarged"
        ? predictions(report, image)
        : verdict(
            fact("label", nameOf(image.label), true),
            fact("A", nameOf(image.a), image.a === image.label),
            fact("B", nameOf(image.b), image.b === image.label),
          ),
    ],
  };
}

function predictions({ a, b, nameOf }: ComparisonReport, image: PlacedCompared): HTMLElement {
  const rows: readonly (readonly [what: string, predicted: number])[] = [
    ["Label", image.label],
    [`A, ${a.name}`, image.a],
    [`B, ${b.name}`, image.b],
  ];
  return element(
    "dl",
    { class: "predictions" },
    ...rows.flatMap(([what, predicted]) => [
      element("dt", {}, what),
      element("dd", { class: predicted === image.label ? "right" : "wrong" }, nameOf(predicted)),
    ]),
  );
}

/** Number with a sign: `+0.0042`. Zero has no sign. */
export function signedDecimal(value: number, digits = 4): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

/** Difference of shares in percentage points: `+0.42`. */
export function points(share: number): string {
  return signedDecimal(100 * share, 2);
}
