/** Batches that several threads share out among themselves: all end together, whatever their speeds. */
import type { Batch, Sharing, Task } from "#src/base/contracts/executor.js";
import { batchAt, batchCount } from "./batch-span.js";

/** One share for each of so many lanes, over claims of their own. */
export function shares(batchCount: number, lanes: number): Sharing[] {
  const claims = new SharedArrayBuffer(batchCount * Int32Array.BYTES_PER_ELEMENT);
  return Array.from({ length: lanes }, (_, n) => ({ claims, lane: n + 1 }));
}

export function isAllClaimed({ claims }: Sharing): boolean {
  return new Int32Array(claims).every((lane) => lane !== 0);
}

/** The batches of a task that fall to its thread: all, or those that it claims, each when it is asked for. */
export function* batchesToDo({ batches, sharing }: Pick<Task, "batches" | "sharing">): Generator<Batch> {
  const claims = sharing && new Int32Array(sharing.claims);
  const count = batchCount(batches);
  for (let n = 0; n < count; n++) {
    const owner = claims && Atomics.compareExchange(claims, n, 0, sharing.lane);
    // What is its own already was claimed by a thread that was ended before it could answer.
    if (!owner || owner === sharing?.lane) yield batchAt(batches, n);
  }
}

/** The batches that its thread has claimed so far. */
export function batchesOf({ batches, sharing }: Pick<Task, "batches" | "sharing">): readonly Batch[] {
  const claims = sharing && new Int32Array(sharing.claims);
  const count = batchCount(batches);
  const own: Batch[] = [];
  for (let n = 0; n < count; n++) {
    if (!claims || Atomics.load(claims, n) === sharing.lane) own.push(batchAt(batches, n));
  }
  return own;
}

/** The batches that nobody else will do once a task has failed: what its thread had claimed, and all that nobody had. */
export function batchesLeftBy(task: Pick<Task, "batches" | "sharing">): readonly Batch[] {
  return [...batchesToDo(task)];
}
