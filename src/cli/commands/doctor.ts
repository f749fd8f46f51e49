/** `batchwise doctor`: whether all works here, and what could be added. */
import type { Command } from "commander";
import { RunError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { renderDoctor } from "#src/cli/doctor/doctor.js";
import { jsonText } from "#src/reports/json.js";
import type { Context, RunWork } from "./context.js";
import { createCommand } from "./options.js";

type DoctorFlags = FlagsOf<"doctor">;

const HELP = `
Each engine evaluates the bundled images. Its answer must equal the answer of
NumPy. The exit status is 4 if an engine that should work does not. An optional
package that is not installed is no fault.`;

export function doctorCommand(runWork: RunWork): Command {
  return createCommand("doctor")
    .addHelpText("after", HELP)
    .action((flags: DoctorFlags) => runWork((context) => runDoctor(flags, context)));
}

async function runDoctor({ format = "text" }: DoctorFlags, context: Context): Promise<readonly Error[]> {
  const { colours, signal } = context;
  const display = context.showText("checking this machine: the engines evaluate the bundled images");
  const { diagnose } = await import("#src/cli/doctor/doctor.js");
  const diagnosis = await diagnose({ colours, signal }).finally(() => display.stop());
  if (format === "json") context.writeAnswer(jsonText(diagnosis));
  else context.writeAnswer(renderDoctor(diagnosis, await context.loadPaintState()));
  const failed = diagnosis.checks.filter(({ state }) => state === "failed").map(({ name }) => name);
  return failed.length === 0 ? [] : [new RunError("ERR_DOCTOR", { failed })];
}
