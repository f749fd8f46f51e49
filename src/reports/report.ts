/** What a report tells: an evaluation, what its gates found, or what went wrong. */
import type { GateOutcome } from "#src/base/contracts/gate.js";
import type { AnyEvaluation } from "#src/base/contracts/result.js";

export interface Report {
  readonly evaluation: AnyEvaluation;
  /** None where the result is partial: a gate judges whole results only. */
  readonly gates: readonly GateOutcome[];
  /** Why the result is partial, or why the gates could not be judged. */
  readonly fault?: Error | undefined;
}
