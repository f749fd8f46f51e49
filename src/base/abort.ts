/** Errors of incomplete and interrupted runs, and two tasks of which one aborts the other. */

import { setMaxListeners } from "node:events";
import { setImmediate } from "node:timers/promises";
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { BatchwiseError, RunError } from "./errors.js";

/** Error of a run with a partial result. It has the code of the failure: of a RunError, or of damaged data. */
export class IncompleteError extends BatchwiseError {
  /** Evaluation of the finished batches. Its `result.complete` is false. */
  readonly partial: AnyEvaluation;

  /** `cause` is the cause of the failure, or the failure if it has none. */
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

/**
 * A signal that aborts with the caller's, for any number of listeners. The caller's signal gets no listener, and keeps its own
 * limit of them. The caller must hold its signal until the work ends: the new one does not keep it in memory.
 */
export function ownSignal(given: AbortSignal): AbortSignal {
  const signal = AbortSignal.any([given]);
  setMaxListeners(0, signal);
  return signal;
}

/** Computation in steps of some milliseconds each. */
export type Steps<T> = Generator<undefined, T>;

/** Takes all steps at once. */
export function finished<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Time after which the event loop gets a turn: a signal is noticed then. */
const TURN_MS = 50;

/** Takes all steps, with turns of the event loop between them. @throws RunError ERR_INTERRUPTED, ERR_TERMINATED */
export async function inTurns<T>(steps: Steps<T>, signal?: AbortSignal): Promise<T> {
  for (let beganAt = performance.now(); ; ) {
    if (signal?.aborted) throw interruption(signal, 0, 0);
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - beganAt < TURN_MS) continue;
    await takeTurn();
    beganAt = performance.now();
  }
}

/** Reason for which this process loads no more input; undefined while it may. */
let loadingEnd: Error | undefined;

/** Ends all reading, hashing and decoding of input in this process, which a signal ends. */
export function endLoading(reason: Error): void {
  loadingEnd ??= reason;
}

/** @throws the reason for which loading ended */
export function assertLoading(): void {
  if (loadingEnd !== undefined) throw loadingEnd;
}

/** Gives the event loop a turn, in which a signal is noticed. @throws the reason for which loading ended */
export async function takeTurn(): Promise<void> {
  await setImmediate();
  assertLoading();
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
