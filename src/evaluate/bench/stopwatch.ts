/** Times of many events in bounded memory, and their order statistics. */
import { createHistogram } from "node:perf_hooks";
import type { Percentiles } from "#src/base/contracts/bench.js";

const NS_PER_MS = 1e6;
/** Longer than any deadline that an option allows; what is longer still is counted as this long. */
const LONGEST_NS = 86_400 * 1e9;

export interface Stopwatch {
  record(elapsedMs: Iterable<number>): void;
  percentiles(): Percentiles;
}

/** On Node's HDR histogram: three significant digits, whatever the number of events. */
export function createStopwatch(): Stopwatch {
  const histogram = createHistogram({ lowest: 1, highest: LONGEST_NS, figures: 3 });
  const msAt = (percent: number) => Number((histogram.percentile(percent) / NS_PER_MS).toPrecision(3));
  return {
    record(elapsedMs) {
      for (const ms of elapsedMs) {
        histogram.record(Math.min(LONGEST_NS, Math.max(1, Math.round(ms * NS_PER_MS))));
      }
    },
    percentiles: () => ({ p50: msAt(50), p90: msAt(90), p99: msAt(99) }),
  };
}
