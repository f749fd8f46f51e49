/** A suite's answer for a person: one table, and below each line what was missed. */
import type { CheckOutcome, ChecksReport } from "#src/base/contracts/checks.js";
import { printable } from "#src/base/printable.js";
import { cellsOf, leftCell, rightCell, shortened } from "#src/reports/cells.js";
import { accuracyText, correctText, countsText, findings } from "./findings.js";

const NAME_CELLS = 40;
const STATUS_CELLS = "passed".length;
const INDENT = "        ";

export function renderChecksText(report: ChecksReport): string {
  const { checks } = report;
  const names = checks.map(({ name }) => shortened(printable(name), NAME_CELLS));
  const [nameCells, accuracyCells, correctCells] = [
    names,
    checks.map(accuracyText),
    checks.map(correctText),
  ].map((column) => Math.max(...column.map(cellsOf)));
  const line = (one: CheckOutcome, name: string) =>
    [
      leftCell(one.status, STATUS_CELLS),
      leftCell(name, nameCells),
      rightCell(accuracyText(one), accuracyCells),
      rightCell(correctText(one), correctCells),
    ].join("  ");
  return [
    ...checks.flatMap((one, place) => [
      line(one, names[place]),
      ...findings(one).map((finding) => `${INDENT}${printable(finding, Number.POSITIVE_INFINITY)}`),
    ]),
    countsText(report),
    "",
  ].join("\n");
}
