/** An evaluation that did not reach its end: the failure, and what was done by then. */
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { BatchwiseError, RunError } from "./errors.js";

/** With the code of the failure: a RunError's, or that of data which turned out to be damaged when some were done. */
export class IncompleteError extends BatchwiseError {
  /** What was done by then; its `result.complete` is false. */
  readonly partial: AnyEvaluation;

  /** The failure's own cause, or else the failure, is the `cause`. */
  constructor(failure: BatchwiseError, partial: AnyEvaluation) {
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
