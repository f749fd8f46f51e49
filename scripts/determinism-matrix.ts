/** How many ways of computing are held to one answer: threads, batch sizes, and which of them go together. */

export const THREADS: readonly number[] = Array.from({ length: 17 }, (_, threads) => threads);
/** None of them round where it would be convenient, for images that are 10,000. */
export const BATCH_SIZES = [1, 3, 7, 33, 99, 100, 101, 1000, 9999, 10_000, 10_001] as const;

/** Below, at and above what a machine usually runs at once. */
const EACH_SIZE_WITH = [0, 2, 16];
/** Many batches a thread, and two for all. */
const EACH_THREADS_WITH = [101, 9999];

export interface Cell {
  readonly threads: number;
  readonly batchSize: number;
}

/** Every thread count and every batch size, and a few of the others with each; or each with each. */
export function cellsOf(isWhole: boolean): Cell[] {
  return THREADS.flatMap((threads) =>
    BATCH_SIZES.filter(
      (size) => isWhole || EACH_SIZE_WITH.includes(threads) || EACH_THREADS_WITH.includes(size),
    ).map((batchSize) => ({ threads, batchSize })),
  );
}
