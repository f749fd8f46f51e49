/** `batchwise doctor`: whether all works here, and what could be added. */
import { Command } from "commander";
import { RunError } from "#src/base/errors.js";
import { renderDoctor } from "#src/cli/doctor/doctor.js";
import { oneOf } from "#src/evaluate/options.js";
import { jsonText } from "#src/reports/json.js";
import type { Context, RunWork } from "./context.js";
import { PLAIN_FORMATS } from "./options.js";

interface DoctorFlags {
  readonly format: string;
}

const HELP = `
Each engine evaluates the bundled images and is held against the answer that NumPy gave. Exits 4 where one that should
work does not; an optional part that is not installed is no fault.`;

export function doctorCommand(runWork: RunWork): Command {
  return new Command("doctor")
    .description("check this machine: engines, cache, optional parts")
    .option("--format <format>", `of the answer: ${PLAIN_FORMATS.join(", ")}`, "text")
    .addHelpText("after", HELP)
    .action((flags: DoctorFlags) => runWork((context) => runDoctor(flags, context)));
}

async function runDoctor(flags: DoctorFlags, context: Context): Promise<readonly Error[]> {
  const format = oneOf("format", PLAIN_FORMATS, flags.format);
  const { colours, signal } = context;
  const display = context.showText("checking this machine: the engines evaluate the bundled images");
  const { diagnose } = await import("#src/cli/doctor/doctor.js");
  const diagnosis = await diagnose({ colours, signal }).finally(() => display.stop());
  if (format === "json") context.writeAnswer(jsonText(diagnosis));
  else context.writeAnswer(renderDoctor(diagnosis, await context.loadPaintState()));
  const failed = diagnosis.checks.filter(({ state }) => state === "failed").map(({ name }) => name);
  return failed.length === 0 ? [] : [new RunError("ERR_DOCTOR", { failed })];
}
