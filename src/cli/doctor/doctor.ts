/** Looks at the machine, the cache, the engines and the optional parts, in about a second. */

import { packageVersion } from "#src/base/version.js";
import type { ColourLevel } from "#src/cli/terminal/colour.js";
import { checkCache } from "./cache.js";
import type { Diagnosis } from "./check.js";
import { checkEngines } from "./engines.js";
import { checkColours, checkCpu, checkNode, checkWebAssembly } from "./machine.js";
import { checkPart, OPTIONAL_PARTS } from "./parts.js";

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
