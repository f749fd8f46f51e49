/** Report of a benchmark as text, JSON, CSV or SVG; the format is a name or a file's ending. */

import type { Benchmark, MeasuredConfiguration } from "#src/base/contracts/bench.js";
import { counted, grouped } from "#src/base/errors/define.js";
import { BENCH_FORMATS } from "#src/base/options/answer.js";
import { printable } from "#src/base/text.js";
import { bar, type Row, rowLines } from "#src/reports/cells.js";
import { renderBenchCsv } from "#src/reports/csv.js";
import { jsonText } from "#src/reports/json.js";
import { formatByEnding } from "#src/reports/report.js";

const FILE_FORMATS = [...BENCH_FORMATS, "svg"] as const;
export type BenchFormat = (typeof FILE_FORMATS)[number];

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
  return formatByEnding(FILE_FORMATS, path);
}

const BAR_CELLS = 12;
const NONE = "-";

interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  cell(measured: MeasuredConfiguration): string;
}

export function renderBenchText(benchmark: Benchmark): string {
  const { configurations, complete } = benchmark;
  const rows: Row[] = [...headingOf(benchmark)];
  if (!complete) rows.push(["Partial", "interrupted; the numbers cover the finished passes"]);
  const heading = rowLines(rows)
    .map((line) => `${line}\n`)
    .join("");
  if (configurations.length === 0) return heading;
  return `${heading}\n${tableOf(columnsOf(benchmark), configurations)}`;
}

function headingOf({ dataset, network, machine, scenario, protocol, peakProcessRssBytes }: Benchmark) {
  const { images, total } = dataset;
  const { repeat, durationSeconds, warmUpPasses, checkedAgainst } = protocol;
  const length = durationSeconds === 0 ? "" : ` and ${durationSeconds} s`;
  return [
    [
      "Data",
      `${printable(dataset.name)}, ${dataset.split}: ${grouped(images)}${images === total ? "" : ` of ${grouped(total)}`} images per pass`,
    ],
    ["Network", `${printable(network.name)}, ${network.layers.join("-")}`],
    [
      "Machine",
      `${printable(machine.cpu)}, ${machine.availableParallelism} threads at once, Node ${machine.node}`,
    ],
    [
      "Scenario",
      `${scenario}: at least ${repeat} timed passes${length} each, interleaved, after ${counted(warmUpPasses, "warm-up pass", "warm-up passes")}`,
    ],
    ["Checked", `every pass predicts the same as ${checkedAgainst}`],
    ["Memory", `${(peakProcessRssBytes / 2 ** 20).toFixed(0)} MiB, peak of the whole process (maxRSS)`],
  ] as const;
}

function columnsOf({ scenario, configurations }: Benchmark): Column[] {
  const most = Math.max(...configurations.map(({ imagesPerSecond }) => imagesPerSecond));
  const slowest = Math.max(...configurations.map(({ queryLatencyMs }) => queryLatencyMs?.p90 ?? 0));
  const right = (title: string, cell: Column["cell"]): Column => ({ title, align: "right", cell });
  const left = (title: string, cell: Column["cell"]): Column => ({ title, align: "left", cell });
  // A column has as many decimals as its smallest number needs.
  const digits = configurations.some(({ passMs }) => passMs.median < 10) ? 2 : 1;
  const shape = [
    left("engine", ({ engine }) => engine),
    right("batch", ({ batchSize }) => grouped(batchSize)),
    right("threads", ({ threads }) => String(threads)),
  ];
  const throughput = right("images/s", ({ imagesPerSecond }) => grouped(imagesPerSecond));
  const passes = [
    right("pass ms", ({ passMs }) => passMs.median.toFixed(digits)),
    right("fastest to slowest", ({ passMs: { fastest, slowest } }) =>
      [fastest, slowest].map((ms) => ms.toFixed(digits)).join(" to "),
    ),
  ];
  if (scenario === "single-stream") {
    return [
      ...shape,
      right("p90 ms", ({ queryLatencyMs }) => String(queryLatencyMs?.p90 ?? NONE)),
      left("", ({ queryLatencyMs }) => bar((queryLatencyMs?.p90 ?? 0) / slowest, BAR_CELLS)),
      right("p50", ({ queryLatencyMs }) => String(queryLatencyMs?.p50 ?? NONE)),
      right("p99", ({ queryLatencyMs }) => String(queryLatencyMs?.p99 ?? NONE)),
      throughput,
      ...passes,
    ];
  }
  return [
    ...shape,
    throughput,
    left("", ({ imagesPerSecond }) => bar(imagesPerSecond / most, BAR_CELLS)),
    right("speed-up", ({ speedUp }) => speedUp?.toFixed(2) ?? NONE),
    right("efficiency", ({ efficiency }) =>
      efficiency === null ? NONE : `${(100 * efficiency).toFixed(0)} %`,
    ),
    right("µs/image", ({ microsecondsPerImage }) => microsecondsPerImage.toFixed(2)),
    ...passes,
    right("batch ms p50", ({ batchLatencyMs }) => String(batchLatencyMs.p50)),
    right("p90", ({ batchLatencyMs }) => String(batchLatencyMs.p90)),
    right("p99", ({ batchLatencyMs }) => String(batchLatencyMs.p99)),
  ];
}

function tableOf(columns: readonly Column[], configurations: readonly MeasuredConfiguration[]): string {
  const padded = columns.map(({ title, align, cell }) => {
    const cells = [title, ...configurations.map(cell)];
    const width = Math.max(...cells.map((text) => text.length));
    return cells.map((text) => (align === "left" ? text.padEnd(width) : text.padStart(width)));
  });
  return padded[0]!
    .map(
      (_, row) =>
        `${padded
          .map((cells) => cells[row])
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
