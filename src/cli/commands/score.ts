/** `batchwise score PREDICTIONS`: judges predictions that any tool made. */
import type { Command } from "commander";
import type { FlagsOf } from "#src/base/options/table.js";
import { isError } from "#src/base/realm.js";
import type { Listener } from "#src/evaluate/listeners.js";
import { type Scored, scoreListened } from "#src/evaluate/score/score.js";
import { sliced } from "#src/evaluate/slices.js";
import { formatOf } from "#src/reports/registry.js";
import { type Context, downloadLine, type RunWork } from "./context.js";
import { createCommand } from "./options.js";
import { demandsOf, giveFault, giveReport, judgedReport, openOutputs } from "./outputs.js";
import { assertReportPath, openPredictionsFile, REPORT_RESAMPLES, ReportFile } from "./report-file.js";

type ScoreFlags = FlagsOf<"score">;

const EXAMPLES = `
The file has a row for each image: a class (column prediction, predicted or
Label), or a number for each class (columns p0, p1 … or logit_0 …; an array of
shape (N, classes)). Rows with ids (ImageId, id, index) may have any order. A
column actual in the same file replaces --labels and --dataset.

Examples:
  batchwise score submission.csv --labels t10k-labels-idx1-ubyte.gz
  batchwise score probabilities.npy --dataset mnist --report report.html
  batchwise score answers.csv --min-accuracy 0.93`;

export function scoreCommand(runWork: RunWork): Command {
  return createCommand("score")
    .addHelpText("after", EXAMPLES)
    .action((path: string, flags: ScoreFlags) => runWork((context) => runScore(path, flags, context)));
}

async function runScore(path: string, flags: ScoreFlags, context: Context): Promise<readonly Error[]> {
  const outputs = await openOutputs(flags.format ?? "text", flags.output, formatOf);
  try {
    const demands = await demandsOf(flags);
    const { evaluation, written, faults } = await scored(path, flags, context);
    context.nameWritten(written);
    const { report, faults: missed } =
      demands === undefined
        ? { report: { evaluation, gates: [], fault: faults[0] }, faults: [] }
        : await judgedReport(evaluation, demands, faults[0]);
    return [...faults, ...(await giveReport(outputs, report, context)), ...missed];
  } catch (error) {
    if (isError(error)) await giveFault(outputs, "score", error, context);
    throw error;
  }
}

async function scored(path: string, flags: ScoreFlags, context: Context): Promise<Scored> {
  const { signal, log, note } = context;
  const { predictions, report, where, groups, ...input } = flags;
  if (report !== undefined) await assertReportPath("--report", report);
  const page = report === undefined ? undefined : new ReportFile(report);
  const listeners: Listener[] =
    predictions === undefined ? [] : [await openPredictionsFile(predictions, flags)];
  if (page !== undefined) listeners.push(page);
  const bootstrap = flags.bootstrap ?? (page && REPORT_RESAMPLES);
  const slices = await sliced({ where, groups, groupColumn: input.groupColumn }, listeners);
  return scoreListened(
    {
      ...input,
      groupColumn: slices.groupColumn ?? input.groupColumn,
      bootstrap,
      predictions: path,
    },
    slices.listeners,
    { signal, log, onDownload: (notice) => note(downloadLine(notice)) },
    async (plan) => {
      context.assume(plan.assumptions);
      page?.begin(plan);
      await slices.begin({
        dataset: plan.dataset,
        options: { topK: undefined, bootstrap: bootstrap ?? 0, seed: flags.seed ?? 1 },
      });
    },
  );
}
