/** `batchwise merge PART…`: adds the answers of all shards to the answer of the whole run. */
import type { Command } from "commander";
import type { FlagsOf } from "#src/base/options/table.js";
import { isError } from "#src/base/realm.js";
import { mergeParts } from "#src/evaluate/merge.js";
import { formatOf } from "#src/reports/registry.js";
import type { Context, RunWork } from "./context.js";
import { createCommand } from "./options.js";
import { demandsOf, giveFault, giveReport, judgedReport, openOutputs } from "./outputs.js";

type MergeFlags = FlagsOf<"merge">;

const EXAMPLES = `
Example:
  batchwise --shard 1/2 --output part-1.json
  batchwise --shard 2/2 --output part-2.json
  batchwise merge part-1.json part-2.json`;

export function mergeCommand(runWork: RunWork): Command {
  return createCommand("merge")
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
  const outputs = await openOutputs(flags.format ?? "text", flags.output, formatOf);
  try {
    const demands = await demandsOf(flags);
    const evaluation = await mergeParts(paths, { signal: context.signal });
    context.assume(evaluation.assumptions);
    const { report, faults } =
      demands === undefined
        ? { report: { evaluation, gates: [] }, faults: [] }
        : await judgedReport(evaluation, demands, undefined);
    return [...(await giveReport(outputs, report, context)), ...faults];
  } catch (error) {
    if (isError(error)) await giveFault(outputs, "merge", error, context);
    throw error;
  }
}
