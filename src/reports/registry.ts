/** Formats of an evaluation's report; the format is a name or a file's ending. */

import type { Paint } from "./cells.js";
import { renderJson } from "./json.js";
import type { Report } from "./report.js";
import { formatByEnding } from "./report.js";
import { renderText } from "./text.js";

export const FORMATS = ["text", "json", "csv", "markdown", "junit"] as const;
export type Format = (typeof FORMATS)[number];

const FORMAT_OF_ENDING: ReadonlyMap<string, Format> = new Map([
  [".txt", "text"],
  [".json", "json"],
  [".csv", "csv"],
  [".md", "markdown"],
  [".xml", "junit"],
]);

/** @param paint colours of the format `text`; default: no colours */
export async function render(format: Format, report: Report, paint?: Paint): Promise<string> {
  switch (format) {
    case "text":
      return renderText(report.evaluation, paint);
    case "json":
      return renderJson(report.evaluation);
    case "csv":
      return (await import("./csv.js")).renderCsv(report.evaluation);
    case "markdown":
      return (await import("./markdown.js")).renderMarkdown(report);
    case "junit": {
      const { junitSuite, renderJunit } = await import("./junit.js");
      return renderJunit([junitSuite(report)]);
    }
  }
}

export function formatOf(path: string): Format {
  return formatByEnding(FORMAT_OF_ENDING, path);
}
