/** `batchwise check`: a suite of evaluations, each with what is demanded of it. */

import { Command } from "commander";
import { distinct } from "#src/base/assumptions.js";
import type { ChecksReport } from "#src/base/contracts/checks.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { DatasetError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { check, faultsOf } from "#src/evaluate/check/check.js";
import type { CheckInput } from "#src/evaluate/check/suite.js";
import { type Demands, gateError, judge } from "#src/evaluate/gates.js";
import { oneOf } from "#src/evaluate/options.js";
import { CHECKS_FORMATS, checksFormatOf, renderChecks } from "#src/reports/checks.js";
import type { Report } from "#src/reports/report.js";
import { type Context, downloadLine, type RunWork, type TextDisplay } from "./context.js";
import { collect } from "./options.js";
import { giveAnswer, openOutputs } from "./outputs.js";

interface CheckFlags {
  readonly threads?: string;
  readonly offline?: boolean;
  readonly strict?: boolean;
  readonly format: string;
  readonly output?: readonly string[];
}

const EXAMPLES = `
The suite is JSON, and its paths are relative to it:
  { "$schema": "node_modules/batchwise/schemas/checks.schema.json",
    "evaluations": [
      { "name": "mnist", "dataset": "mnist", "weights": "trained.safetensors", "minAccuracy": 0.93 },
      { "name": "no worse", "weights": "trained.safetensors", "baseline": "main.json", "maxRegression": 0.002 } ] }

Exit status: 100 where a demand was missed; where an evaluation is broken, what is wrong with it comes first.

Examples:
  batchwise check checks.json
  batchwise check checks.json --output checks.xml --format markdown`;

export function checkCommand(runWork: RunWork): Command {
  return new Command("check")
    .description("run a suite of evaluations, each with what is demanded of it")
    .argument("<suite>")
    .option("--threads <n>", "worker threads, instead of the suite's; 0 computes on the main thread")
    .option("--offline", "use what is in the cache, and download nothing")
    .option("--strict", "refuse to evaluate on assumptions")
    .option("--format <format>", `of the answer on stdout: ${CHECKS_FORMATS.join(", ")}`, "text")
    .option(
      "--output <file>",
      "write the answer here too, by its ending: .txt, .json, .xml, .md (repeatable)",
      collect,
    )
    .addHelpText("after", EXAMPLES)
    .action((suite: string, flags: CheckFlags) => runWork((context) => runCheck(suite, flags, context)));
}

async function runCheck(
  suite: string,
  { format: named, output, ...input }: CheckFlags,
  context: Context,
): Promise<readonly Error[]> {
  const format = oneOf("format", CHECKS_FORMATS, named);
  const outputs = await openOutputs(format, output, checksFormatOf);
  const report = await checkShowingProgress(suite, input, context);
  context.assume(distinct(report.checks.flatMap(({ evaluation }) => evaluation?.assumptions ?? [])));
  const unwritten = await giveAnswer(outputs, (one) => renderChecks(one, report), context);
  return [...faultsOf(report), ...unwritten];
}

async function checkShowingProgress(
  suite: string,
  input: CheckInput,
  { signal, log, note, showText }: Context,
): Promise<ChecksReport> {
  let display: TextDisplay | undefined;
  try {
    return await check(suite, input, {
      signal,
      log,
      onDownload: (notice) => note(downloadLine(notice)),
      onEntry(name, place, entries) {
        const text = `checking ${printable(name)} (${place + 1} of ${entries})`;
        if (display === undefined) display = showText(text);
        else display.update(text);
      },
    });
  } finally {
    display?.stop();
  }
}

// A result against the gates that were asked for; loaded only where some were.

export interface JudgedReport {
  readonly report: Report;
  /** The gates that were missed, or why none could be judged. */
  readonly faults: readonly Error[];
}

/** A gate judges whole results only: a partial one has failed already, by `fault`. */
export function judgedReport(
  evaluation: AnyEvaluation,
  demands: Demands,
  fault: Error | undefined,
): JudgedReport {
  const { dataset, network, result } = evaluation;
  if (!result.complete || !result.labelled) return { report: { evaluation, gates: [], fault }, faults: [] };
  try {
    const gates = judge(demands, { dataset, network, result });
    const missed = gates.filter(({ passed }) => !passed);
    return { report: { evaluation, gates, fault }, faults: missed.map(gateError) };
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return { report: { evaluation, gates: [], fault: fault ?? error }, faults: [error] };
  }
}
