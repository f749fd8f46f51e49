/** `batchwise check`: runs a suite of evaluations, each with its gates. */

import type { Command } from "commander";
import { distinct } from "#src/base/assumptions.js";
import type { ChecksReport } from "#src/base/contracts/checks.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { printable } from "#src/base/text.js";
import { check, faultsOf } from "#src/evaluate/check/check.js";
import type { CheckInput } from "#src/evaluate/check/suite.js";
import { checksFormatOf, renderChecks } from "#src/reports/checks.js";
import { type Context, downloadLine, type RunWork, type TextDisplay } from "./context.js";
import { createCommand } from "./options.js";
import { giveAnswer, openOutputs } from "./outputs.js";

type CheckFlags = FlagsOf<"check">;

const EXAMPLES = `
The suite is JSON. Its paths are relative to it:
  { "$schema": "node_modules/batchwise/schemas/checks.schema.json",
    "evaluations": [
      { "name": "mnist", "dataset": "mnist", "weights": "trained.safetensors",
        "minAccuracy": 0.93 },
      { "name": "no worse", "weights": "trained.safetensors",
        "baseline": "main.json", "maxRegression": 0.002 } ] }

The exit status is 100 if a gate failed, or that of an evaluation that broke.

Examples:
  batchwise check checks.json
  batchwise check checks.json --output checks.xml --format markdown`;

export function checkCommand(runWork: RunWork): Command {
  return createCommand("check")
    .addHelpText("after", EXAMPLES)
    .action((suite: string, flags: CheckFlags) => runWork((context) => runCheck(suite, flags, context)));
}

async function runCheck(
  suite: string,
  { format = "text", output, ...input }: CheckFlags,
  context: Context,
): Promise<readonly Error[]> {
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
