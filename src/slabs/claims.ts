/** Batches that several threads share out among themselves: all end together, whatever their speeds. */
import type { Batch, Sharing, Task } from "../contracts/executor.js";

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
  if (sharing === undefined) {
    yield* batches;
    return;
  }
  const claims = new Int32Array(sharing.claims);
  for (const [n, batch] of batches.entries()) {
    const owner = Atomics.compareExchange(claims, n, 0, sharing.lane);
    // What is its own already was claimed by a thread that was ended before it could answer.
    if (owner === 0 || owner === sharing.lane) yield batch;
  }
}

/** The batches that its thread has claimed so far. */
export function batchesOf({ batches, sharing }: Pick<Task, "batches" | "sharing">): readonly Batch[] {
  if (sharing === undefined) return batches;
  const claims = new Int32Array(sharing.claims);
  const own: Batch[] = [];
  for (let n = 0; n < batches.length; n++) {
    if (Atomics.load(claims, n) === sharing.lane) own.push(batches[n]);
  }
  return own;
}

/** The batches that nobody else will do once a task has failed: what its thread had claimed, and all that nobody had. */
export function batchesLeftBy(task: Pick<Task, "batches" | "sharing">): readonly Batch[] {
  return [...batchesToDo(task)];
}
