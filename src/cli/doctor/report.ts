/** What the doctor found, as a table for a person. */

import { printable } from "#src/base/printable.js";
import type { CheckState, Diagnosis } from "./check.js";

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
