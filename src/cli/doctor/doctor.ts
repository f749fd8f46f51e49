/** Looks at the machine, the cache, the engines and the optional parts, in about a second. */

import { packageVersion } from "#src/base/package.js";
import { printable } from "#src/base/text.js";
import type { ColourLevel } from "#src/cli/terminal/paint.js";
import {
  type CheckState,
  checkCache,
  checkColours,
  checkCpu,
  checkEngines,
  checkNode,
  checkPart,
  checkWebAssembly,
  type Diagnosis,
  OPTIONAL_PARTS,
} from "./checks.js";

export interface DoctorOptions {
  readonly colours: { readonly stdout: ColourLevel; readonly stderr: ColourLevel };
  readonly signal: AbortSignal;
}

/** @throws IncompleteError where the signal is aborted while an engine is checked */
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

// What the doctor found, as a table for a person.

/** Colours a word by the state that it tells. */
export type PaintState = (state: CheckState, word: string) => string;

const LONGEST_FOUND = 300;

export function renderDoctor({ version, checks, healthy }: Diagnosis, paint: PaintState): string {
  const stateWidth = Math.max(...checks.map(({ state }) => state.length));
  const nameWidth = Math.max(...checks.map(({ name }) => name.length));
  const rows = checks.map(({ name, state, found, advice }) => {
    const told = printable(found, LONGEST_FOUND) + (advice === undefined ? "" : `: ${advice}`);
    return `${paint(state, state.padEnd(stateWidth))}  ${name.padEnd(nameWidth)}  ${told}`;
  });
  const verdict = healthy
    ? paint("ok", "All that is required works.")
    : paint("failed", "Not all that is required works.");
  return [`Batchwise ${version}`, "", ...rows, "", verdict, ""].join("\n");
}
