/** Whether what a process took stayed the same: the last quarter of the time beside the second, when all is warm. */
import type { Footprint } from "./footprint.js";

export interface Sample extends Footprint {
  /** Since the part's work began. */
  readonly elapsedMs: number;
  /** How much of the part's amount was done. */
  readonly done: number;
}

export interface Flatness {
  /** Each measure's median in the last quarter of the time less that in the second quarter. */
  readonly growth: Footprint;
  readonly peak: Footprint;
}

/** By how much the end may be above the beginning. */
export interface Allowance {
  readonly rssMb: number;
  /** Of threads, and of file descriptors: a median may fall now into a pool's life, now between two. */
  readonly handles: number;
}

/** Fewer say nothing: a quarter would be one sample. */
const LEAST_SAMPLES = 8;

export function flatnessOf(samples: readonly Sample[]): Flatness | undefined {
  if (samples.length < LEAST_SAMPLES) return undefined;
  const quarter = (n: number) =>
    samples.slice(Math.floor((n * samples.length) / 4), Math.floor(((n + 1) * samples.length) / 4));
  const [second, last] = [quarter(1), quarter(3)];
  return {
    growth: ofEach((measure) => median(last.map(measure)) - median(second.map(measure))),
    peak: ofEach((measure) => Math.max(...samples.map(measure))),
  };
}

/** What is not flat, one line each. */
export function unevenness(flatness: Flatness | undefined, allowed: Allowance): string[] {
  if (flatness === undefined) return [`fewer than ${LEAST_SAMPLES} samples: too short to tell`];
  const { rssBytes, threads, descriptors } = flatness.growth;
  const found: readonly (readonly [grown: number, most: number, what: string])[] = [
    [rssBytes / 1e6, allowed.rssMb, "MB of resident memory"],
    [threads, allowed.handles, "threads"],
    [descriptors, allowed.handles, "file descriptors"],
  ];
  return found
    .filter(([grown, most]) => grown > most)
    .map(([grown, most, what]) => `${round(grown)} ${what} more at the end, ${most} allowed`);
}

function ofEach(of: (measure: (one: Footprint) => number) => number): Footprint {
  return {
    rssBytes: of(({ rssBytes }) => rssBytes),
    threads: of(({ threads }) => threads),
    descriptors: of(({ descriptors }) => descriptors),
  };
}

function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b).at(values.length / 2);
  if (middle === undefined) throw new Error("no values, no median");
  return middle;
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}
