/** A comparison as Markdown, for a pull request's comment. */
import type { ComparedSide, Comparison, SideScore } from "#src/base/contracts/comparison.js";
import { grouped } from "#src/base/errors/define.js";
import { assumedParts, markdownTable, markdownText } from "#src/reports/markdown-text.js";
import { differenceText, imagesText, indicesText, pValueText } from "./words.js";

const LISTED_IMAGES = 10;

export function renderComparisonMarkdown(comparison: Comparison): string {
  const { dataset, a, b, result } = comparison;
  const { right } = result;
  const rows = [sideRow("A", a, result.a), sideRow("B", b, result.b)];
  const only = [
    ["A", grouped(right.onlyA), indicesText(result.onlyARight, LISTED_IMAGES)],
    ["B", grouped(right.onlyB), indicesText(result.onlyBRight, LISTED_IMAGES)],
  ];
  return [
    `### A - B: ${differenceText(result)}\n`,
    ...(result.complete
      ? []
      : ["**Partial**: not all images were evaluated; all is of those that both have answered\n"]),
    ...assumedParts(comparison.assumptions),
    `${markdownText(dataset.name)}, ${dataset.split}: ${imagesText(comparison)}; McNemar's exact p = ${pValueText(result.mcnemarPValue)}; both right on ${grouped(right.both)}, both wrong on ${grouped(right.neither)}, agreed on ${grouped(result.agreed)}\n`,
    markdownTable(["", "network", "accuracy", "95 % interval", "right"], rows, [
      "left",
      "left",
      "right",
      "left",
      "right",
    ]),
    markdownTable(["only right", "images", "first"], only, ["left", "right", "left"]),
  ].join("\n");
}

function sideRow(
  side: string,
  { name }: ComparedSide,
  { correct, accuracy, confidenceInterval95: [low, high] }: SideScore,
): string[] {
  return [
    side,
    markdownText(name),
    accuracy.toFixed(4),
    `${low.toFixed(4)} to ${high.toFixed(4)}`,
    grouped(correct),
  ];
}
