/** The content of a report, and helpers that all reports share. */

import { extname } from "node:path";
import type { GateOutcome } from "#src/base/contracts/checks.js";
import type { PerChannel, Preprocessing } from "#src/base/contracts/network.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { UsageError } from "#src/base/errors.js";

/** An evaluation, with the outcomes of its gates or with an error. */
export interface Report {
  readonly evaluation: AnyEvaluation;
  /** Empty if the result is partial: gates judge only whole results. */
  readonly gates: readonly GateOutcome[];
  /** The reason why the result is partial, or why the gates could not be judged. */
  readonly fault?: Error | undefined;
}

/** A preprocessing in words: `pixels ÷ 255`, `(pixels ÷ 255 − 0.1307) ÷ 0.3081`, … */
export function preprocessingText(preprocessing: Preprocessing): string {
  switch (preprocessing.kind) {
    case "none":
      return "pixels as they are";
    case "scale":
      return "pixels ÷ 255";
    case "standardize":
      return `(pixels ÷ 255 − ${fixed(preprocessing.mean)}) ÷ ${fixed(preprocessing.std)}`;
    case "whiten-zca":
      return `pixels ÷ 255, ZCA-whitened with ε = ${preprocessing.epsilon}, folded into W1 and b1`;
    case "whiten-pca":
      return `pixels ÷ 255, PCA-whitened with ε = ${preprocessing.epsilon}, folded into W1 and b1`;
  }
}

/** `0.1307`, or `[0.4914, 0.4822, 0.4465]`. */
function fixed(numbers: PerChannel): string {
  return typeof numbers === "number"
    ? numbers.toFixed(4)
    : `[${numbers.map((one) => one.toFixed(4)).join(", ")}]`;
}

/** Endings of files in each format. */
const ENDINGS = {
  text: [".txt"],
  json: [".json"],
  csv: [".csv"],
  ndjson: [".ndjson"],
  markdown: [".md"],
  junit: [".xml"],
  svg: [".svg"],
  html: [".html", ".htm"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/**
 * Format for a file's ending, in any case.
 *
 * @throws UsageError ERR_OPTION_VALUE for another ending; it names the option and all endings
 */
export function formatByEnding<Format extends keyof typeof ENDINGS>(
  formats: readonly Format[],
  path: string,
  option = "--output",
): Format {
  const found = extname(path).toLowerCase();
  const format = formats.find((one) => ENDINGS[one].some((ending) => ending === found));
  if (format !== undefined) return format;
  const endings = formats.flatMap((one) => ENDINGS[one]);
  const expected = `a file ending in ${endings.slice(0, -1).join(", ")} or ${endings[endings.length - 1]}`;
  throw new UsageError("ERR_OPTION_VALUE", { option, expected, found: path });
}
