/** What a suite of checks answers. */

import type { AnyEvaluation } from "./result.js";

/** `failed`: a gate was missed. `error`: the evaluation could not be made, or judged, to its end. */
export type CheckStatus = "passed" | "failed" | "error";

/** What `check` answers. */
export interface ChecksReport {
  /** Absolute path of the suite. */
  readonly suite: string;
  /** In the suite's order: all of them, whatever happened. */
  readonly checks: readonly CheckOutcome[];
  /** From the call to the answer, in milliseconds: reading the suite included. */
  readonly totalMs: number;
}

/** One evaluation of a suite, judged, or told why it could not be. */
export interface CheckOutcome {
  /** What the suite calls the evaluation. */
  readonly name: string;
  /** `error` where there is a fault, else whether all gates were passed; `passed` where there are none. */
  readonly status: CheckStatus;
  /** Whole, or what was done of it; undefined where nothing was. */
  readonly evaluation: AnyEvaluation | undefined;
  /** Of each demand, in the order accuracy, exact accuracy, recall, regression; none where the status is `error`. */
  readonly gates: readonly GateOutcome[];
  /** Why the status is `error`; undefined where it is another. */
  readonly fault: Error | undefined;
}

/** What a gate found: a demand on a whole result, held or missed. */

export type GateCode = "ERR_GATE_ACCURACY" | "ERR_GATE_CLASS_RECALL" | "ERR_GATE_REGRESSION";

/** A demand on a result, and whether it was met. */
export interface GateOutcome {
  /** The option that asks for it, such as `--min-accuracy`. */
  readonly name: string;
  /** Of the error that a missed gate is. */
  readonly code: GateCode;
  /** Whether the result meets the demand. */
  readonly passed: boolean;
  /** `an accuracy of at least 0.93`. */
  readonly expected: string;
  /** `0.9228, 0.0072 too low`. */
  readonly found: string;
  /** Both as one line that names the gate. */
  readonly message: string;
}
