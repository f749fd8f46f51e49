/** Several data sets evaluated with one network: one table as text or Markdown, one JSON document, JUnit. */

import type { CheckOutcome, SetsFile } from "#src/base/contracts/checks.js";
import { grouped } from "#src/base/errors/define.js";
import type { ChecksFormat } from "#src/base/options/answer.js";
import { printable } from "#src/base/text.js";
import { cellsOf, leftCell, rightCell, shortened } from "./cells.js";
import { accuracyText, checkDocument, findings, renderChecksJunit } from "./checks.js";
import { jsonText } from "./json.js";
import { markdownTable, markdownText } from "./markdown.js";

export interface SetsReport {
  /** One outcome per data set, in the order of the command. */
  readonly checks: readonly CheckOutcome[];
  readonly totalMs: number;
}

const NAME_CELLS = 28;
const HEADER = ["Data set", "Images", "Correct", "Accuracy", "95 % interval"];

export function renderSets(format: ChecksFormat, report: SetsReport): string {
  switch (format) {
    case "json": {
      const { checks, totalMs } = report;
      const document: SetsFile = { schemaVersion: 1, sets: checks.map(checkDocument), timing: { totalMs } };
      return jsonText(document);
    }
    case "junit":
      return renderChecksJunit(report);
    case "markdown":
      return setsMarkdown(report);
    case "text":
      return setsText(report);
  }
}

/** Images, correct ones, accuracy and Wilson's interval. A partial result is one of the images that it has. */
function cellsFor(outcome: CheckOutcome): string[] {
  const result = outcome.evaluation?.result;
  if (result === undefined) return ["-", "-", "-", "-"];
  const images = `${grouped(result.total)}${result.complete ? "" : " (partial)"}`;
  if (!result.labelled || result.total === 0) return [images, "-", "-", "-"];
  const [low, high] = result.confidenceInterval95;
  const interval = `${low.toFixed(4)} to ${high.toFixed(4)}`;
  return [images, grouped(result.correct), accuracyText(outcome), interval];
}

function setsText({ checks }: SetsReport): string {
  const rows = checks.map((one) => [shortened(printable(one.name), NAME_CELLS), ...cellsFor(one)]);
  const widths = HEADER.map((name, n) =>
    Math.max(...[HEADER, ...rows].map((row) => cellsOf(row[n] ?? name))),
  );
  const line = ([first = "", ...rest]: readonly string[]) =>
    [leftCell(first, widths[0] ?? 0), ...rest.map((cell, n) => rightCell(cell, widths[n + 1] ?? 0))].join(
      "  ",
    );
  const lines = rows.flatMap((row, n) => [
    line(row),
    ...findings(checks[n]!).map((finding) => `    ${printable(finding, Number.POSITIVE_INFINITY)}`),
  ]);
  return [line(HEADER), ...lines, ""].join("\n");
}

function setsMarkdown({ checks }: SetsReport): string {
  const rows = checks.map((one) => [
    markdownText(one.name),
    ...cellsFor(one),
    findings(one)
      .map((finding) => markdownText(finding, 500))
      .join("<br>"),
  ]);
  const header = [...HEADER.map((name) => name.toLowerCase()), ""];
  return markdownTable(header, rows, ["left", "right", "right", "right", "right", "left"]);
}
