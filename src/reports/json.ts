/** JSON reports. Rows of numbers stay on one line. */
import type { AnyEvaluation, ResultFile } from "#src/base/contracts/result.js";

export function renderJson(evaluation: AnyEvaluation): string {
  return jsonText(evaluationDocument(evaluation));
}

/**
 * The JSON of an evaluation, without probabilities of images. Predictions are included only without labels.
 * The timeline is included if it was kept or if probabilities were requested.
 */
export function evaluationDocument({
  predictions,
  probabilities,
  timeline,
  ...facts
}: AnyEvaluation): ResultFile {
  return {
    ...facts,
    ...((probabilities !== null || timeline.length > 0) && { timeline }),
    ...(!facts.result.labelled && { predictions: [...predictions] }),
  };
}

/** Indented JSON. Arrays of numbers, and objects that hold only numbers, stay on one line. */
export function jsonText(report: object): string {
  return `${inlineNumberObjects(inlineNumberArrays(JSON.stringify(report, null, 2)))}\n`;
}

/** `[\n  1,\n  2\n]` → `[1, 2]`: JSON.stringify puts each number on its own line. JSON strings hold no raw line feed. */
function inlineNumberArrays(json: string): string {
  return json.replace(/\[\n\s+[-\d.][-\d.,eE+\s]*\]/g, (rows) =>
    rows.replace(/\s+/g, " ").replace("[ ", "[").replace(" ]", "]"),
  );
}

/** `{\n  "a": 1,\n  "b": null\n}` → `{ "a": 1, "b": null }`. */
function inlineNumberObjects(json: string): string {
  return json.replace(/\{\n(?:\s+"\w+": (?:null|[-\d.eE+]+),?\n)+\s+\}/g, (object) =>
    object.replace(/\s+/g, " "),
  );
}
