/** Conversion of an evaluation and its images to the data of the page. */

import { hashOf } from "#src/base/contracts/dataset.js";
import type { TimelineEntry } from "#src/base/contracts/run-facts.js";
import { type Confusion, mostConfused } from "#src/reports/classes.js";
import type {
  LatencyBin,
  MatrixCell,
  MatrixData,
  PageData,
  ReportedEvaluation,
  ReportInput,
  TimelineData,
} from "./page-data.js";

const LATENCY_BINS = 32;
const TIMELINE_BATCHES = 4000;

export function toPageData({ evaluation, shape, chosen }: ReportInput): PageData {
  const { run, timing, timeline = [] } = evaluation;
  const { assumptions, where, groups } = evaluation;
  const { name, split, total, offset, view, classNames } = evaluation.dataset;
  const { name: networkName, sha256: networkSha256, layers, activations, preprocessing } = evaluation.network;
  const { confusionMatrix, ...result } = evaluation.result;
  return {
    kind: "evaluation",
    assumptions,
    dataset: { name, split, sha256: hashOf(evaluation.dataset), total, offset, view },
    network: { name: networkName, sha256: networkSha256, layers, activations, preprocessing },
    run,
    timing,
    result,
    ...(where !== undefined && { where }),
    ...(groups !== undefined && { groups }),
    classNames: confusionMatrix.map((_, label) => classNames?.[label] ?? String(label)),
    matrix: matrixData(confusionMatrix),
    images: chosen.images.map(({ index, label, prediction, probabilities }) => ({
      index,
      label,
      prediction,
      probabilities: probabilities.map((entry) => [entry.label, rounded(entry.probability, 1e6)]),
    })),
    shape,
    limits: chosen.limits,
    latency: latencyBins(timeline.map(({ elapsedMs }) => elapsedMs)),
    timeline: timelineData(timeline, run),
  };
}

/** Bins of equal ratio, because a first batch can take 100 times the median. */
function latencyBins(latenciesMs: readonly number[]): LatencyBin[] {
  if (latenciesMs.length === 0) return [];
  // At least the clock's resolution, so that the logarithm exists.
  const clamped = latenciesMs.map((ms) => Math.max(ms, 0.001));
  const least = clamped.reduce((a, b) => Math.min(a, b));
  const most = Math.max(
    clamped.reduce((a, b) => Math.max(a, b)),
    least * 1.01,
  );
  const edge = (n: number) => rounded(least * (most / least) ** (n / LATENCY_BINS), 1e6);
  const counts = new Array<number>(LATENCY_BINS).fill(0);
  for (const ms of clamped) {
    const bin = Math.floor((LATENCY_BINS * Math.log(ms / least)) / Math.log(most / least));
    counts[Math.min(bin, LATENCY_BINS - 1)]!++;
  }
  return counts.map((count, n) => ({ fromMs: edge(n), toMs: edge(n + 1), count }));
}

function timelineData(
  timeline: readonly TimelineEntry[],
  { batches, hosts }: ReportedEvaluation["run"],
): TimelineData {
  const kept = timeline.length;
  const total = hosts === undefined ? batches : hosts.reduce((sum, { jobs }) => sum + jobs, 0);
  const first = timeline.toSorted((a, b) => a.startMs - b.startMs).slice(0, TIMELINE_BATCHES);
  return {
    total: kept === 0 ? 0 : total,
    kept,
    batches: first.map(({ batch, thread, startMs, elapsedMs }) => [
      batch,
      thread,
      rounded(startMs, 1000),
      rounded(elapsedMs, 1000),
    ]),
  };
}

function rounded(value: number, steps: number): number {
  return Math.round(value * steps) / steps;
}

/** Most classes of a readable matrix. */
const MATRIX_CLASSES = 30;
const FREQUENT_CELLS = 8;

/**
 * Matrix of counts, reduced to what a page can show. With more than 30 classes, it keeps those with the most images off the
 * diagonal, in class order.
 */
export function matrixData(counts: readonly (readonly number[])[]): MatrixData {
  const rowTotals = counts.map(sum);
  const columnTotals = counts.map((_, column) => sum(counts.map((row) => row[column]!)));
  const beside = counts.map((row, label) => rowTotals[label]! + columnTotals[label]! - 2 * row[label]!);
  const classes = counts
    .map((_, label) => label)
    .sort((a, b) => beside[b]! - beside[a]!)
    .slice(0, MATRIX_CLASSES)
    .sort((a, b) => a - b);
  return {
    classes,
    counts: classes.map((row) => classes.map((column) => counts[row]![column]!)),
    rowTotals: classes.map((label) => rowTotals[label]!),
    columnTotals: classes.map((label) => columnTotals[label]!),
    frequent: mostConfused(counts, FREQUENT_CELLS).map(cellOf),
  };
}

function cellOf({ label, prediction, images }: Confusion): MatrixCell {
  return { row: label, column: prediction, count: images };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
