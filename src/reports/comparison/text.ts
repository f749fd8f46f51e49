/** A comparison for a person. */
import { assumedText } from "#src/base/assumptions.js";
import type { ComparedSide, Comparison } from "#src/base/contracts/comparison.js";
import { grouped } from "#src/base/errors/define.js";
import { printable } from "#src/base/printable.js";
import { rightCell } from "#src/reports/cells.js";
import { type Row, rowLines } from "#src/reports/rows.js";
import { differenceText, imagesText, indicesText, pValueText, scoreText } from "./words.js";

/** What fits a few lines; the JSON has all. */
const LISTED_IMAGES = 20;
/** More classes make rows that no terminal holds. */
const MOST_CLASSES = 16;

export function renderComparisonText(comparison: Comparison): string {
  const { assumptions, dataset, a, b, result } = comparison;
  const { right, agreed, total } = result;
  const rows: Row[] = [
    ["Data", `${printable(dataset.name)}, ${dataset.split}: ${imagesText(comparison)}`],
    ["A", sideText(a)],
    ["B", sideText(b)],
    ...(assumptions.length === 0 ? [] : [["Assumed", assumedText(assumptions)] as const]),
    ...(result.complete ? [] : [PARTIAL]),
  ];
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
    ["Only A", indicesText(result.onlyARight, LISTED_IMAGES)],
    ["Only B", indicesText(result.onlyBRight, LISTED_IMAGES)],
  ];
  return [...rowLines(rows), ...matrixLines(result.agreementMatrix), "", ...rowLines(scores), ""].join("\n");
}

const PARTIAL: Row = ["Partial", "not all images were evaluated; all is of those that both have answered"];

function sideText({ name, layers, resultPath }: ComparedSide): string {
  const source = resultPath === null ? "" : `, of ${printable(resultPath)}`;
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
