/** Formats of a benchmark's answer, by name and by the ending of a file. */
import type { Benchmark } from "#src/base/contracts/bench.js";
import { formatByEnding } from "#src/reports/ending.js";
import { jsonText } from "#src/reports/json.js";
import { renderBenchCsv } from "./csv.js";
import { renderBenchText } from "./text.js";

/** Those that stdout gets; a chart goes to a file. */
export const BENCH_FORMATS = ["text", "json", "csv"] as const;
export type BenchFormat = (typeof BENCH_FORMATS)[number] | "svg";

const FORMAT_OF_ENDING: ReadonlyMap<string, BenchFormat> = new Map([
  [".txt", "text"],
  [".json", "json"],
  [".csv", "csv"],
  [".svg", "svg"],
]);

export async function renderBench(format: BenchFormat, benchmark: Benchmark): Promise<string> {
  switch (format) {
    case "text":
      return renderBenchText(benchmark);
    case "json":
      return jsonText(benchmark);
    case "csv":
      return renderBenchCsv(benchmark);
    case "svg":
      // Only this format loads d3.
      return (await import("./svg.js")).renderBenchSvg(benchmark);
  }
}

export function benchFormatOf(path: string): BenchFormat {
  return formatByEnding(FORMAT_OF_ENDING, path);
}
