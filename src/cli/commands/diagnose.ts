/** `batchwise diagnose`: why an accuracy is low; which reading of network and images gives the best one. */
import { Command } from "commander";
import { ENGINES } from "#src/base/contracts/network.js";
import type { DiagnoseInput } from "#src/evaluate/diagnose/diagnose.js";
import { oneOf } from "#src/evaluate/options.js";
import { renderDiagnosis } from "#src/reports/diagnosis.js";
import type { Context, RunWork } from "./context.js";
import { downloadLine } from "./context.js";
import { addDataOptions, addNetworkFacts, PLAIN_FORMATS } from "./options.js";

type DiagnoseFlags = DiagnoseInput & { readonly format: string };

const EXAMPLES = `
It tries the network on a sample of labelled images under each preprocessing, activation, picture and label shift that
neither the file nor an option states. The accuracy of the best is chosen on these images: it is not one to report.

Example:
  batchwise diagnose --dataset path/to/mnist --weights trained.npz`;

/** Options of `evaluate` that say what is evaluated; their values are in the recommended command. */
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
  ["--label-offset", "labelOffset"],
] as const satisfies readonly (readonly [string, keyof DiagnoseInput])[];

export function diagnoseCommand(runWork: RunWork): Command {
  const command = new Command("diagnose").description("find out why an accuracy is low");
  command.option("--weights <name|file|dir>", "network, as of evaluate", "bundled");
  return addNetworkFacts(addDataOptions(command))
    .option("--engine <name>", ENGINES.join(", "), "ml-matrix")
    .option("--limit <n>", "images in the sample", "1000")
    .option("--seed <s>", "of the sample", "1")
    .option("--format <format>", `of the answer: ${PLAIN_FORMATS.join(", ")}`, "text")
    .addHelpText("after", EXAMPLES)
    .action((flags: DiagnoseFlags) => {
      const isGiven = (key: string) => command.getOptionValueSource(key) !== "default";
      return runWork((context) => runDiagnose(flags, isGiven, context));
    });
}

async function runDiagnose(
  { format: named, split, ...flags }: DiagnoseFlags,
  isGiven: (key: string) => boolean,
  { signal, note, showText, writeAnswer }: Context,
): Promise<readonly Error[]> {
  const format = oneOf("format", PLAIN_FORMATS, named);
  const input: DiagnoseInput = { ...flags, split: isGiven("split") ? split : undefined };
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
      if (value === undefined || value === false || !isGiven(key)) return [];
      return value === true ? [option] : [option, String(value)];
    });
    display.stop();
    writeAnswer(renderDiagnosis(format, diagnosis, subject));
  } finally {
    display.stop();
  }
  return [];
}
