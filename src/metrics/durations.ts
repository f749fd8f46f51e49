/** Measured durations: order statistics, and a sample in bounded memory where there may be millions. */

/** Quantile by nearest rank, without averaging. `sorted` ascends and has at least one value; `share` is 0..1. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Half of it still leaves more than 300 values above the 99th percentile. */
const MOST_KEPT = 65_536;
const FEWEST_KEPT = 1024;

export interface DurationSample {
  /** Added so far. */
  readonly count: number;
  /** In order of arrival: all while there is room, then every second, every fourth and so on. */
  readonly keptMs: Float64Array;
  add(elapsedMs: number): void;
}

/**
 * An empty sample.
 *
 * @param expected about how many durations will be added; memory for them, at most 65,536, is allocated at once
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
