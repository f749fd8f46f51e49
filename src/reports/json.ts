/** The JSON answer: the evaluation as it is, but for the predictions where there is a score; rows of numbers stay on one line. */
import type { AnyEvaluation } from "../contracts/result.js";

export function renderJson({ predictions, ...facts }: AnyEvaluation): string {
  const report = facts.result.labelled ? facts : { ...facts, predictions: [...predictions] };
  return jsonText(report);
}

/** Indented, with rows of numbers on one line. */
export function jsonText(report: object): string {
  return `${inlineNumberArrays(JSON.stringify(report, null, 2))}\n`;
}

/** `[\n  1,\n  2\n]` → `[1, 2]`: JSON.stringify gives each number a line of its own. Strings hold no raw line feed. */
function inlineNumberArrays(json: string): string {
  return json.replace(/\[\n\s+[-\d.][-\d.,eE+\s]*\]/g, (rows) =>
    rows.replace(/\s+/g, " ").replace("[ ", "[").replace(" ]", "]"),
  );
}
