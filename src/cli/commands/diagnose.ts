/** `batchwise diagnose`: finds out why an accuracy is low, by trying other ways to read network and images. */
import type { Command } from "commander";
import type { FlagsOf } from "#src/base/options/table.js";
import type { DiagnoseInput } from "#src/evaluate/diagnose/diagnose.js";
import { renderDiagnosis } from "#src/reports/diagnosis.js";
import type { Context, RunWork } from "./context.js";
import { downloadLine } from "./context.js";
import { createCommand } from "./options.js";

type DiagnoseFlags = FlagsOf<"diagnose">;

const EXAMPLES = `
Tries the network on a sample of labelled images. It varies the preprocessing,
the activation, the pictures and the labels, unless the file or an option states
them. Do not report the best accuracy: it was selected on these images.

Example:
  batchwise diagnose --dataset path/to/mnist --weights trained.npz`;

/** Options of data and network; the recommended command repeats their values. */
const SUBJECT = [
  ["--dataset", "dataset"],
  ["--labels", "labels"],
  ["--classes", "classes"],
  ["--split", "split"],
  ["--weights", "weights"],
  ["--engine", "engine"],
  ["--activation", "activation"],
  ["--normalize", "normalize"],
  ["--mean", "mean"],
  ["--std", "std"],
  ["--invert", "invert"],
  ["--transpose", "transpose"],
  ["--grayscale", "grayscale"],
  ["--label-offset", "labelOffset"],
] as const satisfies readonly (readonly [string, keyof DiagnoseInput])[];

export function diagnoseCommand(runWork: RunWork): Command {
  return createCommand("diagnose")
    .addHelpText("after", EXAMPLES)
    .action((flags: DiagnoseFlags) => runWork((context) => runDiagnose(flags, context)));
}

async function runDiagnose(
  { format = "text", ...input }: DiagnoseFlags,
  { signal, note, showText, writeAnswer }: Context,
): Promise<readonly Error[]> {
  const display = showText("diagnosing");
  const { runDiagnosis } = await import("#src/evaluate/diagnose/diagnose.js");
  try {
    const diagnosis = await runDiagnosis(input, {
      signal,
      onDownload: (notice) => note(downloadLine(notice)),
      onTried: (done) => display.update(`diagnosing: ${done} passes over the sample`),
    });
    const subject = SUBJECT.flatMap(([option, key]) => {
      const value = input[key];
      if (value === undefined || value === false) return [];
      return value === true ? [option] : [option, String(value)];
    });
    display.stop();
    writeAnswer(renderDiagnosis(format, diagnosis, subject));
  } finally {
    display.stop();
  }
  return [];
}
