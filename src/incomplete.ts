/** An evaluation that did not reach its end: the failure, and what was done by then. */
import type { AnyEvaluation } from "./contracts/result.js";
import { RunError } from "./errors.js";

export class IncompleteError extends RunError {
  readonly partial: AnyEvaluation;

  constructor(failure: RunError, partial: AnyEvaluation) {
    super(failure.code, failure.facts, { cause: failure.cause ?? failure });
    this.partial = partial;
  }
}

/** Aborting with this reason means SIGTERM; any other means SIGINT. */
export const TERMINATED = "SIGTERM";

export function interruption(signal: AbortSignal, doneImages: number, totalImages: number): RunError {
  const code = signal.reason === TERMINATED ? "ERR_TERMINATED" : "ERR_INTERRUPTED";
  return new RunError(code, { doneImages, totalImages });
}
