/** Formats of an evaluation's report; the format is a name or a file's ending. */

import { FORMATS, type Format } from "#src/base/options/answer.js";
import type { Paint } from "./cells.js";
import { renderJson } from "./json.js";
import type { Report } from "./report.js";
import { formatByEnding } from "./report.js";
import { renderText } from "./text.js";

/** @param paint colours of the format `text`; default: no colours */
export async function render(format: Format, report: Report, paint?: Paint): Promise<string> {
  switch (format) {
    case "text":
      return `${isSliced(report) ? (await loadGroups()).sliceText(report.evaluation) : ""}${renderText(report.evaluation, paint)}`;
    case "json":
      return renderJson(report.evaluation);
    case "csv":
      return (await import("./csv.js")).renderCsv(report.evaluation);
    case "markdown":
      return `${(await import("./markdown.js")).renderMarkdown(report)}${isSliced(report) ? (await loadGroups()).sliceMarkdown(report.evaluation) : ""}`;
    case "junit": {
      const { junitSuite, renderJunit } = await import("./junit.js");
      return renderJunit([junitSuite(report)]);
    }
  }
}

const loadGroups = () => import("./groups.js");

function isSliced({ evaluation: { where, groups } }: Report): boolean {
  return where !== undefined || groups !== undefined;
}

export function formatOf(path: string): Format {
  return formatByEnding(FORMATS, path);
}
