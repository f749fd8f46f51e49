/** `batchwise merge PART…`: the answers of all shards of a run, added to that of the whole. */
import { Command } from "commander";
import { oneOf } from "#src/evaluate/options.js";
import { FORMATS, formatOf } from "#src/reports/registry.js";
import type { Context, RunWork } from "./context.js";
import { addGateOptions, collect, demandsOf, type GateFlags } from "./options.js";
import { giveFault, giveReport, openOutputs } from "./outputs.js";

interface MergeFlags extends GateFlags {
  readonly format: string;
  readonly output?: readonly string[];
}

const EXAMPLES = `
Example:
  batchwise --shard 1/2 --output part-1.json
  batchwise --shard 2/2 --output part-2.json
  batchwise merge part-1.json part-2.json`;

export function mergeCommand(runWork: RunWork): Command {
  const command = new Command("merge")
    .description("add the parts that --shard wrote to the answer of the whole")
    .argument("<part...>", "the JSON of each shard")
    .option("--format <format>", `of the answer on stdout: ${FORMATS.join(", ")}`, "text")
    .option(
      "--output <file>",
      "write the answer here too, in the format of its ending (repeatable)",
      collect,
    );
  return addGateOptions(command)
    .addHelpText("after", EXAMPLES)
    .action((paths: readonly string[], flags: MergeFlags) =>
      runWork((context) => runMerge(paths, flags, context)),
    );
}

async function runMerge(
  paths: readonly string[],
  flags: MergeFlags,
  context: Context,
): Promise<readonly Error[]> {
  const outputs = await openOutputs(oneOf("format", FORMATS, flags.format), flags.output, formatOf);
  try {
    const demands = await demandsOf(flags);
    const { mergeParts } = await import("#src/evaluate/merge.js");
    const evaluation = await mergeParts(paths);
    context.assume(evaluation.assumptions);
    const { report, faults } =
      demands === undefined
        ? { report: { evaluation, gates: [] }, faults: [] }
        : (await import("./check.js")).judgedReport(evaluation, demands, undefined);
    return [...(await giveReport(outputs, report, context)), ...faults];
  } catch (error) {
    if (error instanceof Error) await giveFault(outputs, "merge", error, context);
    throw error;
  }
}
