/** `batchwise evaluate`: the main job. */

import { setFlagsFromString } from "node:v8";
import { Command } from "commander";
import { IncompleteError } from "#src/base/abort.js";
import type { Dataset } from "#src/base/contracts/dataset.js";
import { ENGINES } from "#src/base/contracts/network.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { UsageError } from "#src/base/errors.js";
import type { Slab } from "#src/base/slab.js";
import { type EvaluateHooks, evaluateWith } from "#src/evaluate/evaluate.js";
import { hintOf } from "#src/evaluate/hint.js";
import type { Opened } from "#src/evaluate/open-inputs.js";
import { type EvaluateInput, EXECUTORS, type NumberLike, oneOf } from "#src/evaluate/options.js";
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
import { giveAnswer, giveFault, openOutputs } from "./outputs.js";

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
    if (flags.labels === false && demands !== undefined) {
      const problem = "a gate is asked for with --no-labels, which gives no score to hold it against";
      throw new UsageError("ERR_USAGE", { problem });
    }
    if (flags.shard !== undefined && demands !== undefined) {
      const problem = "a gate is asked for with --shard, a part of what it judges; ask for it with merge";
      throw new UsageError("ERR_USAGE", { problem });
    }
    const baseline = demands?.baseline;
    const gates = baseline && (await import("#src/evaluate/gates.js"));
    const { evaluation, faults } = await evaluateWithReport(flags, context, {
      onData: (opened) => baseline && gates?.assertComparable(baseline, gates.subjectOf(opened)),
    });
    const { report, faults: judged } =
      demands === undefined
        ? { report: { evaluation, gates: [], fault: faults[0] }, faults: [] }
        : (await import("./check.js")).judgedReport(evaluation, demands, faults[0]);
    const unwritten = await giveAnswer(outputs, report, context);
    return [...faults, ...unwritten, ...judged];
  } catch (error) {
    if (error instanceof Error) await giveFault(outputs, "evaluate", error, context);
    throw error;
  }
}

/** Of whoever collects while the evaluation runs. */
interface MoreHooks extends Pick<EvaluateHooks, "onSlab" | "output"> {
  /** Called once the data are open, before the first batch, wherever batches are computed. What it throws ends the run. */
  onData?(opened: Opened): void;
}

interface Evaluated {
  readonly evaluation: AnyEvaluation;
  /** Why it is not whole, or what of it could not be written. */
  readonly faults: readonly Error[];
}

async function evaluateWithReport(
  flags: EvaluateFlags,
  context: Context,
  { onData }: Required<Pick<MoreHooks, "onData">>,
): Promise<Evaluated> {
  if (flags.report === undefined) return evaluateWithPredictions(flags, context, { onData });
  if (flags.labels === false) {
    const problem = "--report is asked for with --no-labels, which gives nothing to report";
    throw new UsageError("ERR_USAGE", { problem });
  }
  if (flags.resume !== undefined) {
    const problem = "--report is asked for with --resume, which does not keep images; use batchwise report";
    throw new UsageError("ERR_USAGE", { problem });
  }
  const { assertReportPath, REPORT_RESAMPLES, ReportFile } = await import("./report-file.js");
  await assertReportPath("--report", flags.report);
  const file = new ReportFile(flags.report);
  const asked = { ...flags, probabilities: true, bootstrap: flags.bootstrap ?? REPORT_RESAMPLES };
  const { evaluation, faults } = await evaluateWithPredictions(asked, context, {
    onSlab: (slab) => file.onSlab(slab),
    onData(opened) {
      onData(opened);
      file.onData(opened.dataset);
    },
  });
  const unwritten: Error[] = [];
  await file.write(evaluation, unwritten);
  return { evaluation, faults: [...faults, ...unwritten] };
}

async function evaluateWithPredictions(
  flags: EvaluateFlags,
  context: Context,
  hooks: MoreHooks,
): Promise<Evaluated> {
  const input: EvaluateInput & QueueFlags = { ...flags, timeoutSeconds: flags.timeout };
  const faults: Error[] = [];
  if (flags.predictions === undefined) {
    const evaluation = await evaluateShowingProgress(input, context, hooks, faults);
    return { evaluation, faults };
  }
  const { PredictionsOutput, predictionsTarget } = await import("./report-file.js");
  const target = await predictionsTarget(flags.predictions, flags.topK, flags.labels !== false);
  const output = await PredictionsOutput.open(target, flags.resume);
  try {
    const onSlab = async (slab: Slab) => {
      await output.onSlab(slab);
      await hooks.onSlab?.(slab);
    };
    const asked = { ...input, probabilities: true };
    const evaluation = await output.finish(
      await evaluateShowingProgress(asked, context, { ...hooks, onSlab, output: output.durable }, faults),
      faults,
    );
    const { predictionsFile, result } = evaluation;
    if (predictionsFile !== null && !result.complete) {
      context.note(`${predictionsFile.path}: the predictions of what was done`);
    }
    return { evaluation, faults };
  } catch (error) {
    await output.discard();
    throw error;
  }
}

/** The evaluation, or what was done of it; why it is not whole is then among the faults. */
async function evaluateShowingProgress(
  input: EvaluateInput & QueueFlags,
  context: Context,
  { onData, onSlab, output }: MoreHooks,
  faults: Error[],
): Promise<AnyEvaluation> {
  const { signal, log, showProgress, note, assume } = context;
  let data: Dataset | undefined;
  const onOpened = (opened: Opened) => {
    data = opened.dataset;
    onData?.(opened);
  };
  const isLocal = oneOf("executor", EXECUTORS, input.executor ?? "local") === "local";
  let display: ProgressDisplay | undefined;
  const hooks: EvaluateHooks = {
    ...(onSlab !== undefined && { onSlab }),
    signal,
    log,
    output,
    onJournalFault: (fault) => void faults.push(fault),
    onDownload: (notice) => note(downloadLine(notice)),
    onStart: (plan) => {
      if (plan.dataset.ring !== undefined) keepYoungGenerations();
      const { dataset, network, options, totalImages } = plan;
      // A gate judges whole runs only: none has a shard's offset.
      onOpened({ dataset, network, range: { offset: options.offset, limit: totalImages } });
      assume(plan.assumptions);
      display = showProgress(plan);
    },
    onProgress: (progress) => display?.update(progress),
  };
  try {
    const evaluation = isLocal
      ? await evaluateWith(openExecutor, input, hooks)
      : await (await import("./evaluate-over-redis.js")).evaluateOnHosts(input, context, {
          onData: onOpened,
          onSlab,
        });
    // The answer is there; it does not depend on whether its data can be read again.
    const hint = data && (await hintOf(evaluation, data).catch(() => undefined));
    if (hint !== undefined) context.hint(hint);
    return evaluation;
  } catch (error) {
    if (!(error instanceof IncompleteError)) throw error;
    faults.push(error);
    return error.partial;
  } finally {
    display?.stop();
  }
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
