/** Formats of a comparison, by name and by the ending of a file. */
import type { Comparison } from "#src/base/contracts/comparison.js";
import { formatByEnding } from "#src/reports/ending.js";
import { jsonText } from "#src/reports/json.js";
import { renderComparisonMarkdown } from "./markdown.js";
import { renderComparisonText } from "./text.js";

export const COMPARISON_FORMATS = ["text", "json", "markdown"] as const;
export type ComparisonFormat = (typeof COMPARISON_FORMATS)[number];

const RENDER: Readonly<Record<ComparisonFormat, (comparison: Comparison) => string>> = {
  text: renderComparisonText,
  json: jsonText,
  markdown: renderComparisonMarkdown,
};

const FORMAT_OF_ENDING: ReadonlyMap<string, ComparisonFormat> = new Map([
  [".txt", "text"],
  [".json", "json"],
  [".md", "markdown"],
]);

export function renderComparison(format: ComparisonFormat, comparison: Comparison): string {
  return RENDER[format](comparison);
}

export function comparisonFormatOf(path: string): ComparisonFormat {
  return formatByEnding(FORMAT_OF_ENDING, path);
}
