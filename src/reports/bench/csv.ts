/** A benchmark as CSV (RFC 4180, lines ended by LF): one row a configuration, for spreadsheets and scripts. */
import type { Benchmark, MeasuredConfiguration } from "#src/base/contracts/bench.js";

type Cell = (measured: MeasuredConfiguration) => string | number | null | undefined;

/** Engines and numbers alone: no value holds a comma or a quote. */
const COLUMNS: readonly (readonly [name: string, cell: Cell])[] = [
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

/** What a configuration does not have is an empty cell. */
export function renderBenchCsv({ scenario, configurations }: Benchmark): string {
  const lines = [
    ["scenario", ...COLUMNS.map(([name]) => name)],
    ...configurations.map((measured) => [scenario, ...COLUMNS.map(([, cell]) => cell(measured) ?? "")]),
  ];
  return lines.map((line) => `${line.join(",")}\n`).join("");
}
