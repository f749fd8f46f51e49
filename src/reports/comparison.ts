/** Report of a comparison as text, JSON or Markdown; the format is a name or a file's ending. */

import { assumedText } from "#src/base/assumptions.js";
import type { ComparedSide, Comparison, SideScore } from "#src/base/contracts/comparison.js";
import { grouped } from "#src/base/errors/define.js";
import { COMPARISON_FORMATS, type ComparisonFormat } from "#src/base/options/answer.js";
import { printable } from "#src/base/text.js";
import { type Row, rightCell, rowLines } from "./cells.js";
import {
  differenceText,
  imagesText,
  indicesText,
  partialText,
  pValueText,
  scoreText,
} from "./comparison-words.js";
import { jsonText } from "./json.js";
import { assumedParts, markdownTable, markdownText } from "./markdown.js";
import { formatByEnding } from "./report.js";

const RENDER: Readonly<Record<ComparisonFormat, (comparison: Comparison) => string>> = {
  text: renderComparisonText,
  json: jsonText,
  markdown: renderComparisonMarkdown,
};

export function renderComparison(format: ComparisonFormat, comparison: Comparison): string {
  return RENDER[format](comparison);
}

export function comparisonFormatOf(path: string): ComparisonFormat {
  return formatByEnding(COMPARISON_FORMATS, path);
}

/** Most image indices in the text. The JSON has all. */
const IMAGES_IN_TEXT = 20;
/** Most classes of a printed agreement matrix: longer rows do not fit on a terminal. */
const MOST_CLASSES = 16;

/** Text for a terminal. */
export function renderComparisonText(comparison: Comparison): string {
  const { assumptions, dataset, a, b, result } = comparison;
  const { right, agreed, total } = result;
  const rows: Row[] = [
    ["Data", `${printable(dataset.name)}, ${dataset.split}: ${imagesText(comparison)}`],
    ["A", sideText(a)],
    ["B", sideText(b)],
    ...(assumptions.length === 0 ? [] : [["Assumed", assumedText(assumptions)] as const]),
    ...(result.complete ? [] : [["Partial", partialText(result)] as const]),
  ];
  if (total === 0) return [...rowLines(rows), ""].join("\n");
  const scores: Row[] = [
    ["A", scoreText(result.a)],
    ["B", scoreText(result.b)],
    ["A - B", differenceText(result)],
    [
      "McNemar",
      `p = ${pValueText(result.mcnemarPValue)}, exact: only A right ${grouped(right.onlyA)}, only B right ${grouped(right.onlyB)}`,
    ],
    ["Both", `right on ${grouped(right.both)}, wrong on ${grouped(right.neither)}`],
    ["Agreed", `on ${grouped(agreed)} of ${grouped(total)} images`],
    ["Only A", indicesText(result.onlyARight, IMAGES_IN_TEXT)],
    ["Only B", indicesText(result.onlyBRight, IMAGES_IN_TEXT)],
  ];
  return [...rowLines(rows), ...matrixLines(result.agreementMatrix), "", ...rowLines(scores), ""].join("\n");
}

function sideText({ name, layers, resultPath }: ComparedSide): string {
  const source = resultPath === null ? "" : `, predictions from ${printable(resultPath)}`;
  return `${printable(name)}, ${layers.join("-")}${source}`;
}

function matrixLines(matrix: Comparison["result"]["agreementMatrix"]): string[] {
  if (matrix.length > MOST_CLASSES) return [];
  const cells = Math.max(...matrix.flat().map((images) => String(images).length));
  const line = (name: string, values: readonly number[]) =>
    [name.padEnd(5), ...values.map((value) => rightCell(String(value), cells))].join(" ");
  return [
    "",
    line("A \\ B", [...matrix.keys()]),
    ...matrix.map((row, prediction) => line(String(prediction), row)),
  ];
}

const IMAGES_IN_MARKDOWN = 10;

/** Markdown for a pull request's comment. */
export function renderComparisonMarkdown(comparison: Comparison): string {
  const { dataset, a, b, result } = comparison;
  const { right } = result;
  if (result.total === 0) {
    return ["### A - B: unknown\n", `**Partial**: ${partialText(result)}\n`].join("\n");
  }
  const rows = [sideRow("A", a, result.a), sideRow("B", b, result.b)];
  const only = [
    ["A", grouped(right.onlyA), indicesText(result.onlyARight, IMAGES_IN_MARKDOWN)],
    ["B", grouped(right.onlyB), indicesText(result.onlyBRight, IMAGES_IN_MARKDOWN)],
  ];
  return [
    `### A - B: ${differenceText(result)}\n`,
    ...(result.complete ? [] : [`**Partial**: ${partialText(result)}\n`]),
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
