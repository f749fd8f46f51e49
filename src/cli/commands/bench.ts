/** `batchwise bench`: times engines, batch sizes and threads on this machine. */
import type { Command } from "commander";
import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { type BenchOutcome, bench } from "#src/evaluate/bench/bench.js";
import type { BenchInput, BenchPlan } from "#src/evaluate/bench/options.js";
import { type BenchFormat, benchFormatOf, renderBench } from "#src/reports/bench/bench.js";
import type { Context, RunWork, TextDisplay } from "./context.js";
import { downloadLine } from "./context.js";
import { createCommand } from "./options.js";
import { giveAnswer, openOutputs } from "./outputs.js";

type BenchFlags = FlagsOf<"bench">;

const EXAMPLES = `
Every pass is checked. An engine that predicts something else than the reference
engine gets no time. The scenarios are those of MLPerf. offline hands over all
images at once and measures the throughput. single-stream hands over one image
at a time and measures the 90th percentile of the latency.

Examples:
  batchwise bench --threads 1,2,4 --batch-size 1,100,1000 --output scaling.svg
  batchwise bench --scenario single-stream --threads 0,1 --duration 10
  batchwise bench --engine simd --format json`;

export function benchCommand(runWork: RunWork): Command {
  return createCommand("bench")
    .addHelpText("after", EXAMPLES)
    .action((flags: BenchFlags) => runWork((context) => runBench(flags, context)));
}

async function runBench(flags: BenchFlags, context: Context): Promise<readonly Error[]> {
  const { format = "text" } = flags;
  const outputs = await openOutputs<BenchFormat>(format, flags.output, benchFormatOf);
  const chart = outputs.files.find((output) => output.format === "svg");
  if (chart !== undefined && flags.scenario === "single-stream") {
    const expected =
      "an ending of .txt, .json or .csv in the single-stream scenario, which has no scaling to draw";
    throw new UsageError("ERR_OPTION_VALUE", { option: "--output", expected, found: chart.path });
  }

  const { benchmark, failure } = await benchShowingProgress(flags, context);
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
