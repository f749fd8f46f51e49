/** Report of a suite of checks as text, JSON, JUnit XML or Markdown; the format is a name or a file's ending. */

import { assumedText } from "#src/base/assumptions.js";
import type { CheckOutcome, CheckStatus, ChecksFile, ChecksReport } from "#src/base/contracts/checks.js";
import { grouped } from "#src/base/errors/define.js";
import { atLeast, BatchwiseError } from "#src/base/errors.js";
import { CHECKS_FORMATS, type ChecksFormat } from "#src/base/options/answer.js";
import { printable } from "#src/base/text.js";
import { cellsOf, leftCell, rightCell, shortened } from "./cells.js";
import { evaluationDocument, jsonText } from "./json.js";
import { brokenSuite, junitSuite, renderJunit } from "./junit.js";
import { markdownTable, markdownText } from "./markdown.js";
import { formatByEnding } from "./report.js";

const RENDER: Readonly<Record<ChecksFormat, (report: ChecksReport) => string>> = {
  text: renderChecksText,
  json: renderChecksJson,
  junit: renderChecksJunit,
  markdown: renderChecksMarkdown,
};

export function renderChecks(format: ChecksFormat, report: ChecksReport): string {
  return RENDER[format](report);
}

export function checksFormatOf(path: string): ChecksFormat {
  return formatByEnding(CHECKS_FORMATS, path);
}

/** One JUnit suite per evaluation. A missed gate is a failure; an evaluation without a result is an error. */
export function renderChecksJunit({ checks }: Pick<ChecksReport, "checks">): string {
  return renderJunit(
    checks.map(({ name, evaluation, gates, fault }) =>
      evaluation === undefined
        ? brokenSuite(name, fault ?? new Error("not evaluated"))
        : junitSuite({ evaluation, gates, fault }, name),
    ),
  );
}

const NAME_CELLS = 40;
const STATUS_CELLS = "passed".length;
const INDENT = "        ";

/** Text: one line per evaluation. Missed gates, errors and assumptions follow it, indented. */
export function renderChecksText(report: ChecksReport): string {
  const { checks } = report;
  const names = checks.map(({ name }) => shortened(printable(name), NAME_CELLS));
  const [nameCells, accuracyCells, correctCells] = atLeast(
    [names, checks.map(accuracyText), checks.map(correctText)].map((column) =>
      Math.max(...column.map(cellsOf)),
    ),
    3,
  );
  const line = (one: CheckOutcome, name: string) =>
    [
      leftCell(one.status, STATUS_CELLS),
      leftCell(name, nameCells),
      rightCell(accuracyText(one), accuracyCells),
      rightCell(correctText(one), correctCells),
    ].join("  ");
  return [
    ...checks.flatMap((one, place) => [
      line(one, names[place]!),
      ...findings(one).map((finding) => `${INDENT}${printable(finding, Number.POSITIVE_INFINITY)}`),
    ]),
    countsText(report),
    "",
  ].join("\n");
}

/** Longest message, in characters: messages name files, and their end matters. */
const LONGEST_CHARACTERS = 500;

/** Markdown for a pull request's comment or a job's summary. */
export function renderChecksMarkdown(report: ChecksReport): string {
  const rows = report.checks.map((one) => [
    one.status === "passed" ? one.status : `**${one.status}**`,
    markdownText(one.name),
    accuracyText(one),
    correctText(one),
    findings(one)
      .map((finding) => markdownText(finding, LONGEST_CHARACTERS))
      .join("<br>"),
  ]);
  const header = ["", "check", "accuracy", "right", ""];
  const table = markdownTable(header, rows, ["left", "left", "right", "right", "left"]);
  return `### ${countsText(report)}\n\n${table}`;
}

/** JSON: each evaluation as in the JSON of `evaluate`, with its gates. */
export function renderChecksJson({ suite, checks, totalMs }: ChecksReport): string {
  const document: ChecksFile = {
    schemaVersion: 1,
    suite,
    checks: checks.map(checkDocument),
    timing: { totalMs },
  };
  return jsonText(document);
}

export function checkDocument({
  name,
  status,
  evaluation,
  gates,
  fault,
}: CheckOutcome): ChecksFile["checks"][number] {
  return {
    name,
    status,
    error: fault === undefined ? null : { code: codeOf(fault), message: fault.message },
    gates,
    evaluation: evaluation === undefined ? null : evaluationDocument(evaluation),
  };
}

function codeOf(fault: Error): string {
  return fault instanceof BatchwiseError ? fault.code : "ERR_INTERNAL";
}

/** Accuracy with four decimals, or `-`. Messages of gates and the other formats have all digits. */
export function accuracyText({ evaluation }: CheckOutcome): string {
  const result = evaluation?.result;
  return result?.labelled && result.total > 0 ? result.accuracy.toFixed(4) : "-";
}

/** `9,352 of 10,000`. */
export function correctText({ evaluation }: CheckOutcome): string {
  if (!evaluation?.result.labelled) return "-";
  const { correct, total } = evaluation.result;
  return `${grouped(correct)} of ${grouped(total)}`;
}

/** Details of a status: the error, the messages of missed gates, and the assumptions. */
export function findings({ evaluation, fault, gates }: CheckOutcome): string[] {
  const assumptions = evaluation?.assumptions ?? [];
  return [
    ...(fault === undefined ? [] : [fault.message]),
    ...gates.filter(({ passed }) => !passed).map(({ message }) => message),
    ...(assumptions.length === 0 ? [] : [`assumed: ${assumedText(assumptions)}`]),
  ];
}

/** `3 checks: 1 passed, 1 failed, 1 error`. */
export function countsText({ checks }: ChecksReport): string {
  const count = (status: CheckStatus) => checks.filter((one) => one.status === status).length;
  const checksText = checks.length === 1 ? "1 check" : `${grouped(checks.length)} checks`;
  const errors = count("error");
  return `${checksText}: ${count("passed")} passed, ${count("failed")} failed, ${errors} ${errors === 1 ? "error" : "errors"}`;
}
