/** The batches of a span, made one by one where they are needed. */
import type { Batch, BatchSpan } from "#src/base/contracts/executor.js";

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
