/** `batchwise evaluate` with several data sets: one evaluation after the other in one pool, the network loaded once. */

import { availableParallelism } from "node:os";
import { distinct } from "#src/base/assumptions.js";
import { UsageError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { printable, rounded } from "#src/base/text.js";
import { faultsOf, runEntries } from "#src/evaluate/check/check.js";
import { hintOf } from "#src/evaluate/evaluate.js";
import { resolveOptions } from "#src/evaluate/options.js";
import { checksFormatOf } from "#src/reports/checks.js";
import { renderSets } from "#src/reports/sets.js";
import { type Context, downloadLine, type TextDisplay } from "./context.js";
import { giveAnswer, openOutputs } from "./outputs.js";

type EvaluateFlags = FlagsOf<"evaluate">;

/** Options that belong to one evaluation, or that the pool of a suite does not have. */
const OF_ONE_SET = [
  ["labels", "--labels"],
  ["predictions", "--predictions"],
  ["report", "--report"],
  ["where", "--where"],
  ["groups", "--groups"],
  ["resume", "--resume"],
  ["shard", "--shard"],
  ["baseline", "--baseline"],
  ["topK", "--top-k"],
  ["calibration", "--calibration"],
] as const;

/** @throws UsageError ERR_USAGE for an option that belongs to one set; as `resolveOptions` and `openOutputs` */
export async function evaluateSeveral(
  datasets: readonly string[],
  flags: EvaluateFlags,
  context: Context,
): Promise<readonly Error[]> {
  const beganAt = performance.now();
  const { minAccuracy, expectAccuracy, minClassRecall, format = "text" } = flags;
  const refused: string[] = OF_ONE_SET.filter(([key]) => flags[key] !== undefined).map(([key, flag]) =>
    flags[key] === false ? "--no-labels" : flag,
  );
  if (flags.executor === "bullmq") refused.push("--executor bullmq");
  if (format === "csv") refused.push("--format csv");
  if (refused.length > 0 || format === "csv") {
    const problem = `${refused.join(", ")}: expected one --dataset, found ${datasets.length}: run one command for each set, or batchwise check for a suite`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  const outputs = await openOutputs(format, flags.output, checksFormatOf);
  const entries = datasets.map((dataset) => ({
    name: dataset,
    options: resolveOptions({ ...flags, dataset }, availableParallelism()),
    demands: { minAccuracy, expectAccuracy, minClassRecall },
    baseline: undefined,
    maxRegression: 0,
  }));
  let display: TextDisplay | undefined;
  const { signal, log, note } = context;
  const checks = await runEntries(
    entries,
    {
      signal,
      log,
      onDownload: (notice) => note(downloadLine(notice)),
      onEntry(name, place, sets) {
        display?.stop();
        display = context.showText(`evaluating ${printable(name)} (${place + 1} of ${sets})`);
      },
    },
    "evaluate",
  ).finally(() => display?.stop());
  context.assume(distinct(checks.flatMap(({ evaluation }) => evaluation?.assumptions ?? [])));
  for (const { name, evaluation } of checks) {
    const hint = evaluation?.result.complete ? hintOf(evaluation) : undefined;
    if (hint !== undefined) context.hint(`${printable(name)}: ${hint}`);
  }
  const report = { checks, totalMs: rounded(performance.now() - beganAt) };
  const unwritten = await giveAnswer(outputs, (one) => renderSets(one, report), context);
  return [...faultsOf(report), ...unwritten];
}
