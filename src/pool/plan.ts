/** The plan of a run: slabs cut into batches, batches grouped into tasks. */

import type { ImageRange } from "#src/base/contracts/dataset.js";
import type { EngineName } from "#src/base/contracts/engine.js";
import type { Batch, BatchSpan, Executor, Sharing, Task } from "#src/base/contracts/executor.js";
import type { Slab } from "#src/base/slab.js";

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
  /** Lanes that share the batches of a task, if it has several. */
  readonly lanes: number;
}

/**
 * Cuts slab after slab, in order, into batches of `batchSize` images (the last may be shorter), in tasks within a slab.
 *
 * @param networks number of consecutive slabs that have the same images, one per network; their tasks take turns
 */
export async function* planTasks(
  slabs: AsyncIterable<Slab>,
  batchSize: number,
  totalBatches: number,
  { sizeOf, lanes }: TaskPlan,
  networks = 1,
): AsyncGenerator<PlannedTask, undefined> {
  let id = 0;
  let sameImages: Slab[] = [];
  for await (const next of slabs) {
    sameImages.push(next);
    if (sameImages.length < networks) continue;
    for (let start = 0; start < next.count; ) {
      const images = Math.min(sizeOf(totalBatches - id) * batchSize, next.count - start);
      for (const slab of sameImages) {
        const batches = { firstId: id, start, images, batchSize };
        const count = batchCount(batches);
        id += count;
        const task = taskOf(slab, batches);
        if (lanes === 1 || count === 1) yield { slab, task };
        else for (const sharing of shares(count, lanes)) yield { slab, task: { ...task, sharing } };
      }
      start += images;
    }
    sameImages = [];
  }
}

/** Each range is cut by itself: its last batch may be shorter. */
export function batchesIn(ranges: readonly ImageRange[], batchSize: number): number {
  return ranges.reduce((sum, { limit }) => sum + Math.ceil(limit / batchSize), 0);
}

export function taskOf(slab: Slab, batches: BatchSpan): Task {
  const { buffer, firstImage, count, inputs, answers, source } = slab;
  return { buffer, layout: { firstImage, count, inputs, answers }, source, batches };
}

/** One share per lane of a task whose batches several threads claim one by one: all end together, whatever their speeds. */
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

/** The batches that are left once a task has failed: those that its thread had claimed, and those that no thread had. */
export function batchesLeftBy(task: Pick<Task, "batches" | "sharing">): readonly Batch[] {
  return [...batchesToDo(task)];
}

export function batchCount({ images, batchSize }: BatchSpan): number {
  return Math.ceil(images / batchSize);
}

/** @param n from 0, below the span's `batchCount` */
export function batchAt({ firstId, start, images, batchSize }: BatchSpan, n: number): Batch {
  const skipped = n * batchSize;
  return { id: firstId + n, start: start + skipped, count: Math.min(batchSize, images - skipped) };
}

export function spanOf({ id, start, count }: Batch): BatchSpan {
  return { firstId: id, start, images: count, batchSize: count };
}

/** Batches per lane in a shared task. 100 batches of 100 images take the simd engine some 10 ms; a dispatch takes 0.1 ms. */
const LANE_BATCHES = 100;

/**
 * One batch a task, but for simd, whose batches take less time than a message: there all lanes share long tasks, unless
 * it computes by the reference.
 */
export function taskPlanFor(
  engine: EngineName,
  { threads: lanes, fallbacks = [] }: Pick<Executor, "threads" | "fallbacks">,
): TaskPlan {
  const isQuick = engine === "simd" && fallbacks.every((fallback) => fallback === undefined);
  return isQuick ? { sizeOf: () => LANE_BATCHES * lanes, lanes } : { sizeOf: () => 1, lanes: 1 };
}

/** Asks for the next while the last is at work, so that the time to make it and the time to use it overlap. */

export interface Prefetch<T> {
  /** Undefined after the last. Throws what the source throws, to one caller. */
  next(): Promise<T | undefined>;
  /** What the source holds is closed; nothing more comes. */
  end(): Promise<void>;
}

/** @param isWanted whether one that was made ahead is still of use when somebody asks for it */
export function prefetch<T>(
  source: AsyncGenerator<T, undefined>,
  isWanted: (value: T) => boolean,
): Prefetch<T> {
  let coming: Promise<IteratorResult<T, undefined>> | undefined;

  /** Behind what the last one's receiver does at once: a source may hold the thread for milliseconds. */
  function askLater(): Promise<IteratorResult<T, undefined>> {
    const asked = new Promise<void>((resolve) => {
      setImmediate(resolve);
    }).then(() => source.next());
    // Whoever comes next is told; it may be nobody.
    asked.catch(() => {});
    return asked;
  }

  return {
    async next() {
      for (;;) {
        const given = coming ?? source.next();
        coming = undefined;
        const { value, done } = await given;
        if (done) return undefined;
        coming ??= askLater();
        if (isWanted(value)) return value;
      }
    },
    async end() {
      await source.return(undefined);
    },
  };
}
