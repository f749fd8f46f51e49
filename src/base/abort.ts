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

/** Error of an interrupted run. */
export function interruption(signal: AbortSignal, doneImages: number, totalImages: number): RunError {
  const code = signal.reason === TERMINATED ? "ERR_TERMINATED" : "ERR_INTERRUPTED";
  return new RunError(code, { doneImages, totalImages });
}

type Work<T> = (signal: AbortSignal) => Promise<T>;

/** Runs two tasks in parallel. If one fails, the other is aborted. Throws the first failure after both have ended. */
export async function allOrAbort<A, B>(run: AbortSignal, first: Work<A>, second: Work<B>): Promise<[A, B]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([run, failed.signal]);
  const failures: unknown[] = [];
  const guarded = <T>(work: Work<T>) =>
    work(signal).catch((error: unknown) => {
      failures.push(error);
      failed.abort();
      throw error;
    });
  const [a, b] = await Promise.allSettled([guarded(first), guarded(second)]);
  if (a.status === "rejected" || b.status === "rejected") throw failures[0];
  return [a.value, b.value];
}
