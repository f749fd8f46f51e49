/** What a suite of checks answers. */
import type { GateOutcome } from "./gate.js";
import type { AnyEvaluation } from "./result.js";

/** `failed`: a gate was missed. `error`: the evaluation could not be made, or judged, to its end. */
export type CheckStatus = "passed" | "failed" | "error";

/** What `check` answers. */
export interface ChecksReport {
  /** Absolute path of the suite. */
  readonly suite: string;
  /** In the suite's order: all of them, whatever happened. */
  readonly checks: readonly CheckOutcome[];
  /** All of it, reading the suite included. */
  readonly totalMs: number;
}

/** One evaluation of a suite, judged, or told why it could not be. */
export interface CheckOutcome {
  readonly name: string;
  readonly status: CheckStatus;
  /** Whole, or what was done of it; undefined where nothing was. */
  readonly evaluation: AnyEvaluation | undefined;
  /** None where the evaluation is not whole. */
  readonly gates: readonly GateOutcome[];
  /** Why the status is `error`. */
  readonly fault: Error | undefined;
}
