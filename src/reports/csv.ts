/**
 * Results and benchmarks as CSV (RFC 4180, but lines end with LF): one table, with one type per column, for pandas, R and
 * spreadsheets. Cells with text from files are safe for spreadsheets.
 */

import type { Benchmark, MeasuredConfiguration } from "#src/base/contracts/bench.js";
import type { ClassMetrics } from "#src/base/contracts/metrics.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";

const CLASS_COLUMNS: readonly (keyof ClassMetrics)[] = ["support", "predicted", "precision", "recall", "f1"];

/** One row per class. A null is an empty cell. Numbers about all images are only in the JSON. */
export function renderCsv({ dataset, result }: AnyEvaluation): string {
  const start = (label: number) => [label, csvCell(dataset.classNames?.[label] ?? "")];
  const rows = result.labelled
    ? result.perClass.map((one) => [...start(one.label), ...CLASS_COLUMNS.map((column) => one[column] ?? "")])
    : result.predictedCounts.map((predicted, label) => [...start(label), predicted]);
  const header = ["class", "name", ...(result.labelled ? CLASS_COLUMNS : ["predicted"])];
  return [header, ...rows].map((cells) => `${cells.join(",")}\n`).join("");
}

/**
 * First characters that make a spreadsheet treat a cell as a formula (OWASP, "CSV Injection"): = + - @, tab, carriage
 * return, line feed, and the full-width forms.
 */
const FORMULA_START = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * Cell for a text that comes from a file. A text that begins like a formula gets an apostrophe in front, as OWASP advises.
 * Quotes follow RFC 4180, section 2, rules 5 to 7.
 */
export function csvCell(text: string): string {
  const harmless = FORMULA_START.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) || harmless !== text ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

type Cell = (measured: MeasuredConfiguration) => string | number | null | undefined;

/** Columns hold engine names and numbers only: no value contains a comma or a quote. */
const BENCH_COLUMNS: readonly (readonly [name: string, cell: Cell])[] = [
  ["engine", ({ engine }) => engine],
  ["batchSize", ({ batchSize }) => batchSize],
  ["threads", ({ threads }) => threads],
  ["passes", ({ passes }) => passes],
  ["imagesPerSecond", ({ imagesPerSecond }) => imagesPerSecond],
  ["microsecondsPerImage", ({ microsecondsPerImage }) => microsecondsPerImage],
  ["speedUp", ({ speedUp }) => speedUp],
  ["efficiency", ({ efficiency }) => efficiency],
  ["passMedianMs", ({ passMs }) => passMs.median],
  ["passFastestMs", ({ passMs }) => passMs.fastest],
  ["passSlowestMs", ({ passMs }) => passMs.slowest],
  ["batchP50Ms", ({ batchLatencyMs }) => batchLatencyMs.p50],
  ["batchP90Ms", ({ batchLatencyMs }) => batchLatencyMs.p90],
  ["batchP99Ms", ({ batchLatencyMs }) => batchLatencyMs.p99],
  ["queryP50Ms", ({ queryLatencyMs }) => queryLatencyMs?.p50],
  ["queryP90Ms", ({ queryLatencyMs }) => queryLatencyMs?.p90],
  ["queryP99Ms", ({ queryLatencyMs }) => queryLatencyMs?.p99],
];

/** One row per configuration. A null is an empty cell. */
export function renderBenchCsv({ scenario, configurations }: Benchmark): string {
  const lines = [
    ["scenario", ...BENCH_COLUMNS.map(([name]) => name)],
    ...configurations.map((measured) => [scenario, ...BENCH_COLUMNS.map(([, cell]) => cell(measured) ?? "")]),
  ];
  return lines.map((line) => `${line.join(",")}\n`).join("");
}
