/** `batchwise evaluate`: evaluates a network over labelled images. */
import { setFlagsFromString } from "node:v8";
import type { Command } from "commander";
import type { FlagsOf } from "#src/base/options/table.js";
import { isError } from "#src/base/realm.js";
import {
  type Brightness,
  brightnessOf,
  type Evaluated,
  evaluateListened,
  hintOf,
  LOCAL,
} from "#src/evaluate/evaluate.js";
import type { Demands } from "#src/evaluate/gates.js";
import type { Listener } from "#src/evaluate/listeners.js";
import { localRunners } from "#src/evaluate/local-runner.js";
import type { EvaluateInput } from "#src/evaluate/options.js";
import type { OpenRunner, RunnerTable } from "#src/evaluate/runner.js";
import { openExecutor } from "#src/pool/registry.js";
import { formatOf } from "#src/reports/registry.js";
import { type Context, downloadLine, type ProgressDisplay, type RunWork } from "./context.js";
import { createCommand } from "./options.js";
import { demandsOf, giveFault, giveReport, judgedReport, loadGates, openOutputs } from "./outputs.js";

/** Options of one evaluation. */
type EvaluateFlags = Omit<FlagsOf<"evaluate">, "dataset"> & { readonly dataset?: string | undefined };

/** Who computes, by the name of `--executor`. */
const RUNNERS: RunnerTable<EvaluateInput & EvaluateFlags> = new Map<
  string,
  OpenRunner<EvaluateInput & EvaluateFlags>
>([
  [LOCAL, localRunners(openExecutor)],
  ["bullmq", async (...given) => (await import("./redis.js")).openHosts(...given)],
]);

export function evaluateCommand(runWork: RunWork, refuseWords: (words: readonly string[]) => void): Command {
  return (
    createCommand("evaluate")
      // The default command gets every word that is not the name of a command.
      .allowExcessArguments()
      .action((flags: FlagsOf<"evaluate">, { args }: Command) => {
        refuseWords(args);
        return runWork((context) => runAsked(flags, context));
      })
  );
}

async function runAsked(flags: FlagsOf<"evaluate">, context: Context): Promise<readonly Error[]> {
  const { dataset } = flags;
  if (dataset === undefined || typeof dataset === "string")
    return runEvaluate({ ...flags, dataset }, context);
  if (dataset.length === 1) return runEvaluate({ ...flags, dataset: dataset[0] }, context);
  return (await import("./several.js")).evaluateSeveral(dataset, flags, context);
}

async function runEvaluate(flags: EvaluateFlags, context: Context): Promise<readonly Error[]> {
  const outputs = await openOutputs(flags.format ?? "text", flags.output, formatOf);
  try {
    const demands = await demandsOf(flags);
    const { evaluation, failure, written, faults } = await evaluateAsAsked(flags, demands, context);
    context.nameWritten(written);
    const found = failure === undefined ? faults : [failure, ...faults];
    const { report, faults: missed } =
      demands === undefined
        ? { report: { evaluation, gates: [], fault: found[0] }, faults: [] }
        : await judgedReport(evaluation, demands, found[0]);
    const unwritten = await giveReport(outputs, report, context);
    return [...found, ...unwritten, ...missed];
  } catch (error) {
    if (isError(error)) await giveFault(outputs, "evaluate", error, context);
    throw error;
  }
}

async function evaluateAsAsked(
  flags: EvaluateFlags,
  demands: Demands | undefined,
  context: Context,
): Promise<Evaluated> {
  const { signal, log, note } = context;
  const report = flags.report === undefined ? undefined : await openReport(flags.report);
  const predictions =
    flags.predictions === undefined
      ? undefined
      : await (await loadFiles()).openPredictionsFile(flags.predictions, flags);
  const needsProbabilities = report !== undefined || predictions !== undefined;
  const input: EvaluateInput & EvaluateFlags = {
    ...flags,
    ...(needsProbabilities && { probabilities: true }),
    ...(report !== undefined && { bootstrap: flags.bootstrap ?? report.resamples }),
  };
  const files: readonly Listener[] = [
    // The report shows the evaluation with the predictions file that this one has written.
    ...(predictions === undefined ? [] : [predictions]),
    ...(report === undefined ? [] : [report.file]),
  ];
  const isSliced = flags.where !== undefined || flags.groups !== undefined;
  const slices = isSliced ? await (await import("#src/evaluate/slices.js")).sliced(flags, files) : undefined;
  const listeners: Listener[] = [
    ...(demands?.baseline === undefined ? [] : [await baselineListener(demands.baseline)]),
    displayListener(context),
    hintListener(context),
    ...(slices?.listeners ?? files),
  ];
  const columned = slices?.groupColumn === undefined ? input : { ...input, groupColumn: slices.groupColumn };
  return evaluateListened(RUNNERS, columned, listeners, {
    signal,
    log,
    output: predictions?.durable,
    onDownload: (notice) => note(downloadLine(notice)),
  });
}

const loadFiles = () => import("./report-file.js");

async function openReport(path: string): Promise<{ readonly file: Listener; readonly resamples: number }> {
  const { assertReportPath, REPORT_RESAMPLES, ReportFile } = await loadFiles();
  await assertReportPath("--report", path);
  return { file: new ReportFile(path), resamples: REPORT_RESAMPLES };
}

/** Ends a run whose images are not those of the baseline, before the first batch. */
async function baselineListener(baseline: NonNullable<Demands["baseline"]>): Promise<Listener> {
  const { assertComparable, subjectOf } = await loadGates();
  return {
    async begin({ dataset, network, options, totalImages }) {
      // A gate judges whole runs only: none has a shard's offset.
      const range = { offset: options.offset, limit: totalImages };
      assertComparable(baseline, await subjectOf({ dataset, network, range }));
    },
  };
}

/** Shows assumptions and progress. */
function displayListener({ assume, showProgress }: Context): Listener {
  let display: ProgressDisplay | undefined;
  const stop = () => {
    display?.stop();
    return {};
  };
  return {
    begin(plan) {
      if (plan.totalImages >= MANY_IMAGES) keepYoungGenerations();
      assume(plan.assumptions);
      display = showProgress(plan);
    },
    progress: (progress) => display?.update(progress),
    end: stop,
    abort: stop,
  };
}

/** Says in one line why a complete result looks wrong, if it does. */
function hintListener(context: Context): Listener {
  let brightness: Brightness | undefined;
  return {
    slab(slab) {
      brightness ??= brightnessOf(slab);
    },
    async end(evaluation) {
      const hint = hintOf(evaluation, brightness);
      if (hint !== undefined) context.hint(hint);
      return {};
    },
  };
}

/** Fewer are evaluated before memory could grow by much. V8 loads code more slowly once a flag has changed. */
const MANY_IMAGES = 500_000;

/**
 * Keeps memory level over runs of any length. V8 doubles a thread's young generation whenever as much as it holds has
 * survived in it, however long that took: by some 20 MB over millions of images, without need. From now on all threads
 * keep their size. The flag holds for the whole process, so the command line may set it, but the library may not.
 */
export function keepYoungGenerations(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
