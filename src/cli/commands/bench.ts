/** `batchwise bench`: how fast, on this machine and these data, by engine, batch size and threads. */
import { Command } from "commander";
import { ENGINES } from "#src/base/contracts/network.js";
import { SCENARIOS } from "#src/base/contracts/run.js";
import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "#src/base/errors.js";
import { type BenchOutcome, bench } from "#src/evaluate/bench/bench.js";
import type { BenchInput, BenchPlan } from "#src/evaluate/bench/options.js";
import { oneOf } from "#src/evaluate/options.js";
import { BENCH_FORMATS, type BenchFormat, benchFormatOf, renderBench } from "#src/reports/bench/bench.js";
import type { Context, RunWork, TextDisplay } from "./context.js";
import { downloadLine } from "./context.js";
import { addDataOptions, addNetworkOptions, collect } from "./options.js";
import { giveAnswer, openOutputs } from "./outputs.js";

interface BenchFlags extends Omit<BenchInput, "timeoutSeconds" | "durationSeconds"> {
  readonly timeout: string;
  readonly duration: string;
  readonly format: string;
  readonly output?: readonly string[];
}

const EXAMPLES = `
Every pass is checked: where an engine predicts something else than the plain loop, no time is told.
Scenarios are MLPerf's: offline hands over all images and tells the throughput; single-stream hands over one
image at a time, the next when the last is answered, and tells the 90th percentile of the latency.

Examples:
  batchwise bench --threads 1,2,4 --batch-size 1,100,1000 --engine ml-matrix,simd --output scaling.svg
  batchwise bench --scenario single-stream --threads 0,1 --duration 10
  batchwise bench --dataset path/to/mnist --weights sample_weight.pkl --format json`;

export function benchCommand(runWork: RunWork): Command {
  const command = new Command("bench").description("time engines, batch sizes and threads on this machine");
  return addNetworkOptions(addDataOptions(command))
    .option("--no-labels", "labels are not read")
    .option("--engine <names>", `a comma list: ${ENGINES.join(", ")}`, "ml-matrix,simd")
    .option(
      "--threads <list>",
      "a comma list; 0 is the main thread (default: 1, 2, 4 and so on, up to the cores)",
    )
    .option("--batch-size <list>", "a comma list: images a batch (default: 100; 1 in single-stream)")
    .option("--scenario <name>", SCENARIOS.join(", "), "offline")
    .option("--repeat <n>", "timed passes of each configuration, at least", "5")
    .option("--duration <seconds>", "of each configuration's timed passes together, at least", "0")
    .option("--warm-up <n>", "passes of each configuration before the timed ones", "2")
    .option("--offset <n>", "begin at this image", "0")
    .option("--limit <n>", "at most so many images a pass")
    .option("--timeout <seconds>", "of one task: a batch, with simd some hundred", "30")
    .option("--format <format>", `of the answer on stdout: ${BENCH_FORMATS.join(", ")}`, "text")
    .option(
      "--output <file>",
      "write the answer here too, by its ending: .txt, .json, .csv, .svg (repeatable)",
      collect,
    )
    .addHelpText("after", EXAMPLES)
    .action((flags: BenchFlags) => runWork((context) => runBench(flags, context)));
}

async function runBench(flags: BenchFlags, context: Context): Promise<readonly Error[]> {
  const format = oneOf("format", BENCH_FORMATS, flags.format);
  const outputs = await openOutputs<BenchFormat>(format, flags.output, benchFormatOf);
  const chart = outputs.files.find((output) => output.format === "svg");
  if (chart !== undefined && flags.scenario === "single-stream") {
    const expected =
      "an ending of .txt, .json or .csv in the single-stream scenario, which has no scaling to draw";
    throw new UsageError("ERR_OPTION_VALUE", { option: "--output", expected, found: chart.path });
  }

  const input = { ...flags, timeoutSeconds: flags.timeout, durationSeconds: flags.duration };
  const { benchmark, failure } = await benchShowingProgress(input, context);
  context.assume(benchmark.assumptions);
  const unwritten = await giveAnswer(outputs, (one) => renderBench(one, benchmark), context);
  return failure === undefined ? unwritten : [failure, ...unwritten];
}

async function benchShowingProgress(
  input: BenchInput,
  { signal, note, showText }: Context,
): Promise<BenchOutcome> {
  let display: TextDisplay | undefined;
  try {
    return await bench(input, {
      signal,
      onDownload: (notice) => note(downloadLine(notice)),
      onStart(plan, images) {
        display = showText(startText(plan, images));
      },
      onPass({ engine, threads, batchSize }, round) {
        const stage = round < 0 ? "warming up" : `round ${round + 1}`;
        display?.update(`${stage} · ${engine}, ${threads} threads, batches of ${grouped(batchSize)}`);
      },
    });
  } finally {
    display?.stop();
  }
}

function startText({ configurations, repeat, scenario }: BenchPlan, images: number): string {
  const count = configurations.length;
  return `timing ${count} configuration${count === 1 ? "" : "s"}, ${scenario}: ${repeat} rounds or more of ${grouped(images)} images each`;
}
