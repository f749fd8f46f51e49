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
