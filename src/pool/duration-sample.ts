/** Durations of which there may be millions, in bounded memory. */

/** Half of them still leave more than 300 above the 99th percentile. */
const MOST_KEPT = 65_536;
const FEWEST_KEPT = 1024;

export interface DurationSample {
  /** Added so far. */
  readonly count: number;
  /** In the order in which they came: all while there is room for them, then every second, every fourth and so on. */
  readonly keptMs: Float64Array;
  add(elapsedMs: number): void;
}

/** @param expected how many will be added about; there is room for so many, 65,536 at most, taken at once: a list would be copied as it grows */
export function createDurationSample(expected: number): DurationSample {
  const values = new Float64Array(Math.min(Math.max(expected, FEWEST_KEPT), MOST_KEPT));
  let kept = 0;
  let count = 0;
  /** The values kept are those whose place is a multiple of it. */
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
