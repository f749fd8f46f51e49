/** Quantiles of measured durations, and a sample of millions of durations in bounded memory. */

/** Quantile by nearest rank, without averaging. `sorted` ascends and has at least one value; `share` is 0..1. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Most durations kept. Half of them still have more than 300 values above the 99th percentile. */
const MOST_KEPT = 65_536;
const FEWEST_KEPT = 1024;

export interface DurationSample {
  /** Number of durations added so far. */
  readonly count: number;
  /** Kept durations in order of arrival: all while there is room, then every second, every fourth and so on. */
  readonly keptMs: Float64Array;
  add(elapsedMs: number): void;
}

/**
 * An empty sample.
 *
 * @param expected estimated number of durations; memory for 1,024 to 65,536 of them is allocated at once
 */
export function createDurationSample(expected: number): DurationSample {
  const values = new Float64Array(Math.min(Math.max(expected, FEWEST_KEPT), MOST_KEPT));
  let kept = 0;
  let count = 0;
  /** A value is kept if its place is a multiple of this. */
  let every = 1;

  function thinOut(): void {
    kept = Math.ceil(kept / 2);
    for (let n = 0; n < kept; n++) values[n] = values[2 * n]!;
    every *= 2;
  }

  return {
    get count() {
      return count;
    },
    get keptMs() {
      return values.subarray(0, kept);
    },
    add(elapsedMs) {
      const place = count++;
      if (kept === values.length) thinOut();
      if (place % every === 0) values[kept++] = elapsedMs;
    },
  };
}
