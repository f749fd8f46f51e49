/** A prediction as a line of a file, in either format; numbers in the fewest digits that read back as the same double. */
import type { Prediction, PredictionsFormat } from "#src/base/contracts/predictions.js";

export interface LineWriter {
  /** Before the first line. */
  readonly header: string;
  line(prediction: Prediction): string;
}

/** @param k how many classes each `topK` has */
export function lineWriter(format: PredictionsFormat, k: number): LineWriter {
  if (format === "ndjson") return { header: "", line: (prediction) => `${JSON.stringify(prediction)}\n` };
  return { header: `${csvColumns(k).join(",")}\n`, line: csvLine };
}

/** Numbers and booleans alone: no cell needs quotes, none can be taken for a formula. */
export function csvColumns(k: number): string[] {
  const ranks = Array.from({ length: k }, (_, rank) => rank + 1);
  return [
    "index",
    "label",
    "prediction",
    "probability",
    "correct",
    ...ranks.flatMap((rank) => [`top${rank}Class`, `top${rank}Probability`]),
  ];
}

/** There are no more classes: predictions are u16. */
const MOST_RANKS = 2 ** 16;

/** Whether these are the columns that we write, with one class and its probability or more. */
export function isCsvHeader(columns: readonly string[]): boolean {
  const ranks = (columns.length - csvColumns(0).length) / 2;
  if (!Number.isInteger(ranks) || ranks < 1 || ranks > MOST_RANKS) return false;
  return csvColumns(ranks).every((name, column) => name === columns[column]);
}

/** What an image without a label does not have is an empty cell. */
function csvLine({ index, label, prediction, probability, correct, topK }: Prediction): string {
  const tops = topK.map((top) => `,${top.class},${top.probability}`).join("");
  return `${index},${label ?? ""},${prediction},${probability},${correct ?? ""}${tops}\n`;
}
