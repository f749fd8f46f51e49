/** Formats of the answer, by name and by the ending of a file. */
import type { AnyEvaluation } from "../contracts/result.js";
import { formatByEnding } from "./ending.js";
import { renderJson } from "./json.js";
import { renderText } from "./text.js";

export const FORMATS = ["text", "json"] as const;
export type Format = (typeof FORMATS)[number];

const RENDER: Readonly<Record<Format, (evaluation: AnyEvaluation) => string>> = {
  text: renderText,
  json: renderJson,
};

const FORMAT_OF_ENDING: ReadonlyMap<string, Format> = new Map([
  [".txt", "text"],
  [".json", "json"],
]);

export function render(format: Format, evaluation: AnyEvaluation): string {
  return RENDER[format](evaluation);
}

export function formatOf(path: string): Format {
  return formatByEnding(FORMAT_OF_ENDING, path);
}
