/** `batchwise doctor`: checks the machine, the cache, the engines and the optional packages, in about a second. */

import type { Command } from "commander";
import { RunError } from "#src/base/errors.js";
import type { FlagsOf } from "#src/base/options/table.js";
import { packageVersion } from "#src/base/package.js";
import { printable } from "#src/base/text.js";
import type { Context, RunWork } from "#src/cli/commands/context.js";
import { createCommand } from "#src/cli/commands/options.js";
import type { ColourLevel } from "#src/cli/terminal/paint.js";
import { jsonText } from "#src/reports/json.js";
import {
  checkCache,
  checkColours,
  checkCpu,
  checkEngines,
  checkNode,
  checkPart,
  checkWebAssembly,
  type Diagnosis,
  OPTIONAL_PARTS,
  type PaintState,
} from "./checks.js";

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
  const diagnosis = await diagnose({ colours, signal }).finally(() => display.stop());
  if (format === "json") context.writeAnswer(jsonText(diagnosis));
  else context.writeAnswer(renderDoctor(diagnosis, await context.loadPaintState()));
  const failed = diagnosis.checks.filter(({ state }) => state === "failed").map(({ name }) => name);
  return failed.length === 0 ? [] : [new RunError("ERR_DOCTOR", { failed })];
}

export interface DoctorOptions {
  readonly colours: { readonly stdout: ColourLevel; readonly stderr: ColourLevel };
  readonly signal: AbortSignal;
}

/**
 * Runs all checks.
 *
 * @throws IncompleteError if the signal is aborted while an engine is checked
 */
export async function diagnose({ colours, signal }: DoctorOptions): Promise<Diagnosis> {
  const checks = [
    checkNode(),
    checkCpu(),
    checkWebAssembly(),
    ...(await checkEngines(signal)),
    ...(await checkCache()),
    ...OPTIONAL_PARTS.map(checkPart),
    checkColours(colours.stdout, colours.stderr),
  ];
  return { version: packageVersion(), healthy: checks.every(({ state }) => state !== "failed"), checks };
}

const LONGEST_FOUND = 300;

export function renderDoctor({ version, checks, healthy }: Diagnosis, paint: PaintState): string {
  const stateWidth = Math.max(...checks.map(({ state }) => state.length));
  const nameWidth = Math.max(...checks.map(({ name }) => name.length));
  const rows = checks.map(({ name, state, found, advice }) => {
    const shown = printable(found, LONGEST_FOUND) + (advice === undefined ? "" : `: ${advice}`);
    return `${paint(state, state.padEnd(stateWidth))}  ${name.padEnd(nameWidth)}  ${shown}`;
  });
  const verdict = healthy
    ? paint("ok", "All that is required works.")
    : paint("failed", "Not all that is required works.");
  return [`Batchwise ${version}`, "", ...rows, "", verdict, ""].join("\n");
}
