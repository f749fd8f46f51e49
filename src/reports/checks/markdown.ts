/** A suite's answer as Markdown, for a pull request's comment or a job's summary. */
import type { ChecksReport } from "#src/base/contracts/checks.js";
import { markdownTable, markdownText } from "#src/reports/markdown-text.js";
import { accuracyText, correctText, countsText, findings } from "./findings.js";

/** Messages name files, and are to be read to their end. */
const LONGEST_CHARACTERS = 500;

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
