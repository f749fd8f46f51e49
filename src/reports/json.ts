/** The JSON answer: the evaluation as it is, but for the predictions; rows of numbers stay on one line. */
import type { Evaluation } from "../contracts/result.js";

export function renderJson({ predictions: _, ...report }: Evaluation): string {
  return `${inlineNumberArrays(JSON.stringify(report, null, 2))}\n`;
}

/** `[\n  1,\n  2\n]` → `[1, 2]`: JSON.stringify gives each number a line of its own. Strings hold no raw line feed. */
function inlineNumberArrays(json: string): string {
  return json.replace(/\[\n\s+[-\d.][-\d.,eE+\s]*\]/g, (rows) =>
    rows.replace(/\s+/g, " ").replace("[ ", "[").replace(" ]", "]"),
  );
}
