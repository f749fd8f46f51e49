/** What a comparison tells of an image: its label, and what each of both took it for. */
import { type Album, fact, verdict } from "../album.js";
import { element } from "../dom.js";
import { count } from "../words.js";
import type { ComparisonReport, PlacedCompared } from "./comparison-report.js";

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
