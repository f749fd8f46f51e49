/** Summary of a benchmark: turns timed passes into rates, speed-ups and percentiles. */

import { availableParallelism, cpus } from "node:os";
import { createHistogram } from "node:perf_hooks";
import type {
  Benchmark,
  Configuration,
  MeasuredConfiguration,
  Percentiles,
} from "#src/base/contracts/bench.js";
import { hashFields } from "#src/base/contracts/dataset.js";
import type { EngineName } from "#src/base/contracts/engine.js";
import type { DataAndNetwork } from "#src/evaluate/open-inputs.js";
import { quantile } from "#src/metrics/durations.js";
import { layerSizes } from "#src/networks/chain.js";
import type { BenchPlan } from "./options.js";

const KIBIBYTE = 1024;

/** A configuration with the times of its passes so far. */
export interface Series extends Configuration {
  readonly passesMs: number[];
  readonly batches: Stopwatch;
  readonly queries: Stopwatch | undefined;
}

export interface BenchRecord {
  readonly plan: BenchPlan;
  readonly pair: DataAndNetwork;
  readonly series: readonly Series[];
  readonly complete: boolean;
  readonly checkedAgainst: EngineName;
}

export async function summarizeBench({
  plan,
  pair,
  series,
  complete,
  checkedAgainst,
}: BenchRecord): Promise<Benchmark> {
  const { scenario, warmUp, repeat, durationSeconds } = plan;
  const { dataset, network, range } = pair;
  return {
    schemaVersion: 1,
    scenario,
    complete,
    assumptions: pair.assumptions,
    dataset: {
      name: dataset.facts.name,
      split: dataset.facts.split,
      ...hashFields(dataset.facts, await dataset.sha256()),
      total: dataset.facts.total,
      offset: range.offset,
      images: range.limit,
    },
    network: {
      name: network.name,
      sha256: network.sha256,
      layers: layerSizes(network),
      normalize: network.preprocessing.kind,
    },
    machine: {
      node: process.version,
      cpu: cpus()[0]?.model ?? "unknown",
      availableParallelism: availableParallelism(),
    },
    protocol: { warmUpPasses: warmUp, repeat, durationSeconds, checkedAgainst },
    // KiB on every system (nodejs.org/api/process.html, process.resourceUsage).
    peakProcessRssBytes: process.resourceUsage().maxRSS * KIBIBYTE,
    configurations: measuredOf(series, range.limit),
  };
}

function measuredOf(series: readonly Series[], images: number): MeasuredConfiguration[] {
  const timed = series.filter(({ passesMs }) => passesMs.length > 0);
  return timed.map(({ engine, threads, batchSize, passesMs, batches, queries }) => {
    const sorted = passesMs.toSorted((a, b) => a - b);
    const medianMs = medianOf(passesMs);
    const single = timed.find(
      (other) => other.engine === engine && other.batchSize === batchSize && other.threads === 1,
    );
    const speedUp = single === undefined ? null : medianOf(single.passesMs) / medianMs;
    return {
      engine,
      threads,
      batchSize,
      passes: passesMs.length,
      passMs: {
        median: thousandths(medianMs),
        fastest: thousandths(sorted[0]!),
        slowest: thousandths(sorted[sorted.length - 1]!),
        samples: passesMs.map(thousandths),
      },
      imagesPerSecond: Math.round((1000 * images) / medianMs),
      microsecondsPerImage: thousandths((1000 * medianMs) / images),
      speedUp: speedUp === null ? null : thousandths(speedUp),
      efficiency: speedUp === null || threads === 0 ? null : thousandths(speedUp / threads),
      batchLatencyMs: batches.percentiles(),
      queryLatencyMs: queries?.percentiles() ?? null,
    };
  });
}

/** Median. With an even number of values, the lower of the two middle ones. */
function medianOf(valuesMs: readonly number[]): number {
  return quantile(
    valuesMs.toSorted((a, b) => a - b),
    0.5,
  );
}

/** Value rounded to thousandths, since smaller differences are noise. */
function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}

const NS_PER_MS = 1e6;
/** Longest recorded time: longer than each time limit that an option allows. Longer times count as this. */
const LONGEST_NS = 86_400 * 1e9;

export interface Stopwatch {
  record(elapsedMs: Iterable<number>): void;
  percentiles(): Percentiles;
}

/** Stopwatch with Node's HDR histogram: three significant digits, and constant memory for any number of events. */
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
