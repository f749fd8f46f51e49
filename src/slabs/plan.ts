/** The plan of a run: slabs cut into batches, batches grouped into tasks. */
import type { Batch, Task } from "../contracts/executor.js";
import type { Slab } from "./slab.js";

/** A task, and the slab that its answers lie in. */
export interface PlannedTask {
  readonly slab: Slab;
  readonly task: Task;
}

/** Slab after slab, in order: batches of `batchSize` images (the very last may be shorter), one batch a task. */
export async function* planTasks(
  slabs: AsyncIterable<Slab>,
  batchSize: number,
): AsyncGenerator<PlannedTask, undefined> {
  let id = 0;
  for await (const slab of slabs) {
    for (let start = 0; start < slab.count; start += batchSize) {
      const batch = { id: id++, start, count: Math.min(batchSize, slab.count - start) };
      yield { slab, task: taskOf(slab, [batch]) };
    }
  }
}

export function taskOf(slab: Slab, batches: readonly Batch[]): Task {
  const { buffer, firstImage, count, inputs } = slab;
  return { buffer, layout: { firstImage, count, inputs }, batches };
}
