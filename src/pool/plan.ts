/** The plan of a run: slabs cut into batches, batches grouped into tasks. */
import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { BatchSpan, Task } from "#src/base/contracts/executor.js";
import type { Slab } from "#src/base/slab.js";
import { batchCount } from "./batch-span.js";
import { shares } from "./claims.js";

/** A task, and the slab that its answers lie in. */
export interface PlannedTask {
  readonly slab: Slab;
  readonly task: Task;
}

/** How many batches a task takes when so many are left, itself included. */
export type TaskSize = (batchesLeft: number) => number;

/** How batches become tasks. */
export interface TaskPlan {
  readonly sizeOf: TaskSize;
  /** So many lanes get each task that has several batches, and share these out. */
  readonly lanes: number;
}

/** Slab after slab, in order: batches of `batchSize` images (the very last may be shorter), in tasks within a slab. */
export async function* planTasks(
  slabs: AsyncIterable<Slab>,
  batchSize: number,
  totalBatches: number,
  { sizeOf, lanes }: TaskPlan,
): AsyncGenerator<PlannedTask, undefined> {
  let id = 0;
  for await (const slab of slabs) {
    for (let start = 0; start < slab.count; ) {
      const images = Math.min(sizeOf(totalBatches - id) * batchSize, slab.count - start);
      const batches = { firstId: id, start, images, batchSize };
      const count = batchCount(batches);
      id += count;
      start += images;
      const task = taskOf(slab, batches);
      if (lanes === 1 || count === 1) yield { slab, task };
      else for (const sharing of shares(count, lanes)) yield { slab, task: { ...task, sharing } };
    }
  }
}

/** Each range is cut by itself: its last batch may be shorter. */
export function batchesIn(ranges: readonly ImageRange[], batchSize: number): number {
  return ranges.reduce((sum, { limit }) => sum + Math.ceil(limit / batchSize), 0);
}

export function taskOf(slab: Slab, batches: BatchSpan): Task {
  const { buffer, firstImage, count, inputs, room, source } = slab;
  return { buffer, layout: { firstImage, count, inputs, room }, source, batches };
}
