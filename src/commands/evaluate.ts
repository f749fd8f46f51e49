/** `batchwise evaluate`: the main job. */
import { Command } from "commander";
import { ENGINES } from "../contracts/engine.js";
import type { AnyEvaluation } from "../contracts/result.js";
import { RunError, UsageError } from "../errors.js";
import { type EvaluateHooks, evaluate } from "../evaluate.js";
import { assertWritable } from "../files/write-file.js";
import { IncompleteError } from "../incomplete.js";
import { decimal, type EvaluateInput, oneOf } from "../options.js";
import { pythonFloat } from "../reports/python-float.js";
import { FORMATS, formatOf, render } from "../reports/registry.js";
import type { Context, ProgressDisplay, RunWork } from "./context.js";
import { downloadLine } from "./download-line.js";
import { addDataOptions, addNetworkOptions, collect } from "./options.js";
import { writeOutput } from "./write-output.js";

interface EvaluateFlags extends Omit<EvaluateInput, "timeoutSeconds"> {
  readonly timeout: string;
  readonly format: string;
  readonly output?: readonly string[];
  readonly minAccuracy?: string;
  readonly expectAccuracy?: string;
}

export function evaluateCommand(runWork: RunWork, refuseWords: (words: readonly string[]) => void): Command {
  const command = new Command("evaluate").description(
    "evaluate a network over a labelled image set (the default)",
  );
  addNetworkOptions(addDataOptions(command))
    .option("--no-labels", "predict without a score: labels are not read")
    .option("--threads <n>", "worker threads; 0 computes on the main thread (default: one a core)")
    .option("--batch-size <n>", "images a batch", "100")
    .option("--engine <name>", ENGINES.join(", "), "ml-matrix")
    .option("--offset <n>", "begin at this image", "0")
    .option("--limit <n>", "evaluate at most so many images")
    .option("--top-k <k>", "accuracy within the k most probable classes, with log loss and calibration")
    .option("--calibration", "log loss, Brier score and calibration of the probabilities")
    .option("--bootstrap <n>", "resamples of an interval for macro F1; 0 for none", "0")
    .option("--seed <s>", "of the bootstrap", "1")
    .option("--warm", "start all workers before the time is taken")
    .option("--timeout <seconds>", "of one batch", "30")
    .option("--retries <n>", "how often a failed batch is run again", "2")
    .option("--format <format>", `of the answer on stdout: ${FORMATS.join(", ")}`, "text")
    .option("--output <file>", "write the answer here too, in the format of its ending (repeatable)", collect)
    .option("--min-accuracy <x>", "exit 100 where the accuracy is lower")
    .option("--expect-accuracy <x>", "exit 100 where the accuracy, as printed, is another")
    // The default command gets every word that is no command's name.
    .allowExcessArguments()
    .action((flags: EvaluateFlags, { args }: Command) => {
      refuseWords(args);
      return runWork((context) => runEvaluate(flags, context));
    });
  return command;
}

async function runEvaluate(flags: EvaluateFlags, context: Context): Promise<readonly Error[]> {
  const format = oneOf("format", FORMATS, flags.format);
  const outputs = (flags.output ?? []).map((path) => ({ path, format: formatOf(path) }));
  const gates = gatesOf(flags);
  if (flags.labels === false && gates.length > 0) {
    throw new UsageError("ERR_USAGE", {
      problem: "an accuracy is asked for with --no-labels, which gives none",
    });
  }
  for (const { path } of outputs) await assertWritable(path);

  const faults: Error[] = [];
  const evaluation = await evaluateShowingProgress(
    { ...flags, timeoutSeconds: flags.timeout },
    context,
    faults,
  );
  for (const { path, format } of outputs) await writeOutput(path, render(format, evaluation), faults);
  context.writeAnswer(render(format, evaluation));
  // A gate judges whole results only: a partial one has failed already.
  const { result } = evaluation;
  if (result.complete && result.labelled) faults.push(...gates.flatMap((gate) => gate(result.accuracy)));
  return faults;
}

/** The evaluation, or what was done of it; why it is not whole is then among the faults. */
async function evaluateShowingProgress(
  input: EvaluateInput,
  { signal, log, showProgress, note }: Context,
  faults: Error[],
): Promise<AnyEvaluation> {
  let display: ProgressDisplay | undefined;
  const hooks: EvaluateHooks = {
    signal,
    log,
    onDownload: (notice) => note(downloadLine(notice)),
    onStart: (plan) => {
      display = showProgress(plan);
    },
    onProgress: (progress) => display?.update(progress),
  };
  try {
    return await evaluate(input, hooks);
  } catch (error) {
    if (!(error instanceof IncompleteError)) throw error;
    faults.push(error);
    return error.partial;
  } finally {
    display?.stop();
  }
}

type Gate = (accuracy: number) => RunError[];

function gatesOf({ minAccuracy, expectAccuracy }: EvaluateFlags): Gate[] {
  const gates: Gate[] = [];
  if (minAccuracy !== undefined) {
    const least = decimal("--min-accuracy", minAccuracy, 0, 1);
    gates.push((found) => (found >= least ? [] : [gateError("--min-accuracy", `at least ${least}`, found)]));
  }
  if (expectAccuracy !== undefined) {
    const expected = decimal("--expect-accuracy", expectAccuracy, 0, 1);
    gates.push((found) =>
      found === expected ? [] : [gateError("--expect-accuracy", pythonFloat(expected), found)],
    );
  }
  return gates;
}

function gateError(gate: string, expected: string, found: number): RunError {
  return new RunError("ERR_GATE_ACCURACY", { gate, expected, found: pythonFloat(found) });
}
