/** Assumptions, and their text. The report's page imports this file too, so it imports only text helpers. */

import { printable } from "./text.js";

/**
 * Text of at least one assumption, grouped by file:
 * `sigmoid between layers, pixels ÷ 255 (weights.npz states neither); set --activation, --normalize`.
 */
export function assumedText(assumptions: readonly Assumption[]): string {
  const bySource = new Map<string, string[]>();
  for (const { source, what } of assumptions) bySource.set(source, [...(bySource.get(source) ?? []), what]);
  const groups = [...bySource].map(
    ([source, whats]) => `${whats.join(", ")} (${unstated(source, whats.length)})`,
  );
  const options = [...new Set(assumptions.flatMap(({ option }) => option ?? []))];
  const unsettled = assumptions.flatMap(({ option, what }) => (option === null ? [what] : []));
  return [
    ...groups,
    ...(options.length > 0 ? [`set ${options.join(", ")}`] : []),
    // After named options, the text must also name the facts that no option states.
    ...(unsettled.length > 0 ? [`no option states ${options.length > 0 ? unsettled.join(", ") : "it"}`] : []),
  ].join("; ");
}

/** Distinct assumptions, in order. */
export function distinct(assumptions: readonly Assumption[]): Assumption[] {
  return [...new Map(assumptions.map((assumption) => [JSON.stringify(assumption), assumption])).values()];
}

function unstated(source: string, count: number): string {
  const name = printable(source);
  if (count === 1) return `${name} does not state it`;
  return `${name} states ${count === 2 ? "neither" : "none of them"}`;
}

/** Kinds of facts that may be assumed. */
export const ASSUMPTION_SUBJECTS = [
  "architecture",
  "activation",
  "pixels",
  "orientation",
  "outputs",
  "pictures",
  "labels",
] as const;
/** Kind of an assumed fact. */
export type AssumptionSubject = (typeof ASSUMPTION_SUBJECTS)[number];

/** A fact that neither a file nor an option states. The most likely value is used, and each result names it. */
export interface Assumption {
  /** Kind of the fact. */
  readonly subject: AssumptionSubject;
  /** Assumed value in words: `sigmoid between layers`, `pixels ÷ 255`. */
  readonly what: string;
  /** Name of the file that does not state it. */
  readonly source: string;
  /** Option that states it, such as `--activation`; null if there is none. */
  readonly option: string | null;
}
