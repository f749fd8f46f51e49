/**
 * The answer as CSV (RFC 4180, lines ended by LF): one row a class and nothing else, so that pandas, R and spreadsheets
 * read one table whose columns have one type each. What is said of all images together is in the JSON.
 */
import type { ClassMetrics } from "#src/base/contracts/metrics.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { csvCell } from "./csv-cell.js";

const COLUMNS: readonly (keyof ClassMetrics)[] = ["support", "predicted", "precision", "recall", "f1"];

/** What a class does not have is an empty cell. */
export function renderCsv({ dataset, result }: AnyEvaluation): string {
  const start = (label: number) => [label, csvCell(dataset.classNames?.[label] ?? "")];
  const rows = result.labelled
    ? result.perClass.map((one) => [...start(one.label), ...COLUMNS.map((column) => one[column] ?? "")])
    : result.predictedCounts.map((predicted, label) => [...start(label), predicted]);
  const header = ["class", "name", ...(result.labelled ? COLUMNS : ["predicted"])];
  return [header, ...rows].map((cells) => `${cells.join(",")}\n`).join("");
}
