/** What a part of the soak is: work that may go on for as long as one likes and must leave nothing behind. */

export interface Part {
  readonly name: string;
  /** Name of what is counted, in the plural. */
  readonly unit: string;
  /** What is asked for in `FULL_MINUTES`; of more minutes in proportion more. */
  readonly amount: number;
  /** Of the minutes, beside the other parts'. */
  readonly share: number;
  /** Does the amount, or what there is time for. Answers what was wrong, one line each. */
  run(work: Work): Promise<readonly string[]>;
}

export const FULL_MINUTES = 10;

export interface Work {
  readonly amount: number;
  /** Empty, and removed afterwards. */
  readonly folder: string;
  /** Aborted when the time is over. */
  readonly signal: AbortSignal;
  /** Do wrong on purpose, so that it is seen to be noticed. */
  readonly isSabotaged: boolean;
  /** What was made ready before this call is not measured. */
  began(): void;
  /** So much is done by now. */
  done(amount: number): void;
}

/** What a part's process tells of itself. */
export type Message =
  | { readonly kind: "began" }
  | { readonly kind: "done"; readonly amount: number }
  | { readonly kind: "ended"; readonly problems: readonly string[] };

/** What a part's process is told, as JSON in its first argument. */
export interface Order {
  readonly part: string;
  readonly amount: number;
  readonly folder: string;
  readonly seconds: number;
  readonly isSabotaged: boolean;
}
