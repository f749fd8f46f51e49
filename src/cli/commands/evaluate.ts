/** `batchwise evaluate`: the main job. */

import { setFlagsFromString } from "node:v8";
import { Command } from "commander";
import type { Dataset } from "#src/base/contracts/dataset.js";
import { ENGINES } from "#src/base/contracts/network.js";
import { UsageError } from "#src/base/errors.js";
import { type Evaluated, evaluateListened } from "#src/evaluate/evaluate.js";
import type { Demands } from "#src/evaluate/gates.js";
import { hintOf } from "#src/evaluate/hint.js";
import type { Listener } from "#src/evaluate/listeners.js";
import { type EvaluateInput, EXECUTORS, type NumberLike, oneOf } from "#src/evaluate/options.js";
import type { PredictionsOutput } from "#src/evaluate/predictions/writer.js";
import { openExecutor } from "#src/pool/registry.js";
import { FORMATS, formatOf } from "#src/reports/registry.js";
import { type Context, downloadLine, type ProgressDisplay, type RunWork } from "./context.js";
import type { QueueFlags } from "./evaluate-over-redis.js";
import {
  addDataOptions,
  addGateOptions,
  addNetworkOptions,
  collect,
  demandsOf,
  type GateFlags,
} from "./options.js";
import { giveFault, giveReport, openOutputs } from "./outputs.js";

interface EvaluateFlags extends Omit<EvaluateInput, "timeoutSeconds" | "topK">, GateFlags, QueueFlags {
  readonly timeout: NumberLike;
  readonly topK?: NumberLike;
  readonly format: string;
  readonly output?: readonly string[];
  readonly predictions?: string;
  readonly report?: string;
}

export function evaluateCommand(runWork: RunWork, refuseWords: (words: readonly string[]) => void): Command {
  const command = new Command("evaluate").description(
    "evaluate a network over a labelled image set (the default)",
  );
  addNetworkOptions(addDataOptions(command))
    .option("--no-labels", "predict without a score: labels are not read")
    .option("--threads <n>", "worker threads; 0 computes on the main thread (default: one a core)")
    .option("--batch-size <n>", "images a batch", "100")
    .option("--executor <name>", `who computes: ${EXECUTORS.join(", ")} (workers over Redis)`, "local")
    .option("--redis <url>", "of --executor bullmq: redis://host:port (default: BATCHWISE_REDIS)")
    .option("--run-id <id>", "of --executor bullmq: go on with the run of this name, or give it")
    .option("--job-images <n>", "of --executor bullmq: images a job (default: by time)")
    .option("--patience <seconds>", "of --executor bullmq: how long no worker may be there", "600")
    .option("--engine <name>", ENGINES.join(", "), "ml-matrix")
    .option("--offset <n>", "begin at this image", "0")
    .option("--limit <n>", "evaluate at most so many images")
    .option("--shard <i/n>", "evaluate the i-th of n parts; `batchwise merge` adds their .json outputs")
    .option("--resume <file>", "keep a journal: the same command goes on where it was ended")
    .option("--top-k <k>", "accuracy within the k most probable classes, with log loss and calibration")
    .option("--calibration", "log loss, Brier score and calibration of the probabilities")
    .option("--bootstrap <n>", "resamples of an interval for macro F1 (default: 0; with --report: 1000)")
    .option("--seed <s>", "of the bootstrap", "1")
    .option("--warm", "start all workers before the time is taken")
    .option("--timeout <seconds>", "of one task: a batch, with simd some hundred", "30")
    .option("--retries <n>", "how often a failed batch is run again", "2")
    .option("--format <format>", `of the answer on stdout: ${FORMATS.join(", ")}`, "text")
    .option("--output <file>", "write the answer here too, in the format of its ending (repeatable)", collect)
    .option("--predictions <file>", "write each image's prediction and probabilities: .ndjson or .csv")
    .option("--report <file>", "write a report with charts and images, one .html file");
  addGateOptions(command)
    // The default command gets every word that is no command's name.
    .allowExcessArguments()
    .action((flags: EvaluateFlags, { args }: Command) => {
      refuseWords(args);
      return runWork((context) => runEvaluate(flags, context));
    });
  return command;
}

async function runEvaluate(flags: EvaluateFlags, context: Context): Promise<readonly Error[]> {
  const outputs = await openOutputs(oneOf("format", FORMATS, flags.format), flags.output, formatOf);
  try {
    const demands = await demandsOf(flags);
    refuseConflicts(flags, demands !== undefined);
    const { evaluation, failure, written, faults } = await evaluateAsAsked(flags, demands, context);
    context.nameWritten(written);
    const found = failure === undefined ? faults : [failure, ...faults];
    const { report, faults: missed } =
      demands === undefined
        ? { report: { evaluation, gates: [], fault: found[0] }, faults: [] }
        : (await import("./check.js")).judgedReport(evaluation, demands, found[0]);
    const unwritten = await giveReport(outputs, report, context);
    return [...found, ...unwritten, ...missed];
  } catch (error) {
    if (error instanceof Error) await giveFault(outputs, "evaluate", error, context);
    throw error;
  }
}

function refuseConflicts({ labels, shard, report, resume }: EvaluateFlags, isGated: boolean): void {
  const conflicts: readonly [isAsked: boolean, problem: string][] = [
    [
      labels === false && isGated,
      "a gate is asked for with --no-labels, which gives no score to hold it against",
    ],
    [
      shard !== undefined && isGated,
      "a gate is asked for with --shard, a part of what it judges; ask for it with merge",
    ],
    [
      labels === false && report !== undefined,
      "--report is asked for with --no-labels, which gives nothing to report",
    ],
    [
      resume !== undefined && report !== undefined,
      "--report is asked for with --resume, which does not keep images; use batchwise report",
    ],
  ];
  for (const [isAsked, problem] of conflicts) if (isAsked) throw new UsageError("ERR_USAGE", { problem });
}

async function evaluateAsAsked(
  flags: EvaluateFlags,
  demands: Demands | undefined,
  context: Context,
): Promise<Evaluated> {
  const { signal, log, note } = context;
  const report = flags.report === undefined ? undefined : await openReport(flags.report);
  const predictions = flags.predictions === undefined ? undefined : await openPredictionsFile(flags);
  const needsProbabilities = report !== undefined || predictions !== undefined;
  const input: EvaluateInput & QueueFlags = {
    ...flags,
    timeoutSeconds: flags.timeout,
    ...(needsProbabilities && { probabilities: true }),
    ...(report !== undefined && { bootstrap: flags.bootstrap ?? report.resamples }),
  };
  const listeners: Listener[] = [
    ...(demands?.baseline === undefined ? [] : [await baselineListener(demands.baseline)]),
    displayListener(context),
    hintListener(context),
    // The report shows the evaluation with the predictions file that this one has written.
    ...(predictions === undefined ? [] : [predictions]),
    ...(report === undefined ? [] : [report.file]),
  ];
  if (oneOf("executor", EXECUTORS, input.executor ?? "local") === "bullmq") {
    return (await import("./evaluate-over-redis.js")).evaluateOnHosts(input, context, listeners);
  }
  return evaluateListened(openExecutor, input, listeners, {
    signal,
    log,
    output: predictions?.durable,
    onDownload: (notice) => note(downloadLine(notice)),
  });
}

async function openReport(path: string): Promise<{ readonly file: Listener; readonly resamples: number }> {
  const { assertReportPath, REPORT_RESAMPLES, ReportFile } = await import("./report-file.js");
  await assertReportPath("--report", path);
  return { file: new ReportFile(path), resamples: REPORT_RESAMPLES };
}

async function openPredictionsFile({
  predictions = "",
  topK,
  labels,
  resume,
}: EvaluateFlags): Promise<PredictionsOutput> {
  const { predictionsTarget } = await import("./report-file.js");
  const target = await predictionsTarget(predictions, topK, labels !== false);
  const { PredictionsOutput } = await import("#src/evaluate/predictions/writer.js");
  return PredictionsOutput.open(target, resume);
}

/** Ends a run whose images are not those of the baseline, before the first batch. */
async function baselineListener(baseline: NonNullable<Demands["baseline"]>): Promise<Listener> {
  const { assertComparable, subjectOf } = await import("#src/evaluate/gates.js");
  return {
    begin({ dataset, network, options, totalImages }) {
      // A gate judges whole runs only: none has a shard's offset.
      const range = { offset: options.offset, limit: totalImages };
      assertComparable(baseline, subjectOf({ dataset, network, range }));
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
      if (plan.dataset.ring !== undefined) keepYoungGenerations();
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
  let data: Dataset | undefined;
  return {
    begin({ dataset }) {
      data = dataset;
    },
    async end(evaluation) {
      // The answer is there; it does not depend on whether its data can be read again.
      const hint = data && (await hintOf(evaluation, data).catch(() => undefined));
      if (hint !== undefined) context.hint(hint);
      return {};
    },
  };
}

// Memory that stays level over runs of any length.

/**
 * V8 doubles a thread's young generation whenever as much as it holds has survived in it, however long that took: over
 * millions of images by some 20 MB, without need. From now on all threads keep theirs as large as they are. It is a flag
 * of the whole process, so that the command line may set it and the library not.
 */
export function keepYoungGenerations(): void {
  setFlagsFromString("--semi-space-growth-factor=1");
}
