/** Formats of a suite's answer, by name and by the ending of a file. */
import type { ChecksReport } from "#src/base/contracts/checks.js";
import { formatByEnding } from "#src/reports/ending.js";
import { renderJunit } from "#src/reports/junit.js";
import { brokenSuite, junitSuite } from "#src/reports/junit-suite.js";
import { renderChecksJson } from "./json.js";
import { renderChecksMarkdown } from "./markdown.js";
import { renderChecksText } from "./text.js";

export const CHECKS_FORMATS = ["text", "json", "junit", "markdown"] as const;
export type ChecksFormat = (typeof CHECKS_FORMATS)[number];

const RENDER: Readonly<Record<ChecksFormat, (report: ChecksReport) => string>> = {
  text: renderChecksText,
  json: renderChecksJson,
  junit: renderChecksJunit,
  markdown: renderChecksMarkdown,
};

const FORMAT_OF_ENDING: ReadonlyMap<string, ChecksFormat> = new Map([
  [".txt", "text"],
  [".json", "json"],
  [".xml", "junit"],
  [".md", "markdown"],
]);

export function renderChecks(format: ChecksFormat, report: ChecksReport): string {
  return RENDER[format](report);
}

export function checksFormatOf(path: string): ChecksFormat {
  return formatByEnding(FORMAT_OF_ENDING, path);
}

/** A suite of JUnit's for each evaluation: a missed gate is a failure, what is broken an error. */
function renderChecksJunit({ checks }: ChecksReport): string {
  return renderJunit(
    checks.map(({ name, evaluation, gates, fault }) =>
      evaluation === undefined
        ? brokenSuite(name, fault ?? new Error("not evaluated"))
        : junitSuite({ evaluation, gates, fault }, name),
    ),
  );
}
