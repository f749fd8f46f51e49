/** Assumptions in words: a leaf, which the report's page has too. */

import { printable } from "./text.js";

/**
 * `sigmoid between layers, pixels ÷ 255 (weights.npz states neither); set --activation, --normalize`. Several files follow
 * one another. At least one assumption.
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
    // Beside options that are named, it must be clear which facts they do not state.
    ...(unsettled.length > 0 ? [`no option states ${options.length > 0 ? unsettled.join(", ") : "it"}`] : []),
  ].join("; ");
}

/** Each assumption once, in their order. */
export function distinct(assumptions: readonly Assumption[]): Assumption[] {
  return [...new Map(assumptions.map((assumption) => [JSON.stringify(assumption), assumption])).values()];
}

function unstated(source: string, count: number): string {
  const name = printable(source);
  if (count === 1) return `${name} does not state it`;
  return `${name} states ${count === 2 ? "neither" : "none of them"}`;
}

/** What an answer rests on although neither a file nor an option states it. */

export const ASSUMPTION_SUBJECTS = [
  "activation",
  "pixels",
  "orientation",
  "outputs",
  "pictures",
  "labels",
] as const;
/** The kind of fact that was assumed. */
export type AssumptionSubject = (typeof ASSUMPTION_SUBJECTS)[number];

/** One fact that a reader had to assume. The likeliest value is taken, and every answer names it. */
export interface Assumption {
  /** Which kind of fact. */
  readonly subject: AssumptionSubject;
  /** The value that was assumed, in words: `sigmoid between layers`, `pixels ÷ 255`. */
  readonly what: string;
  /** Name of the file that does not state it. */
  readonly source: string;
  /** The option that states it instead, such as `--activation`; null if no option does. */
  readonly option: string | null;
}
