/** From an evaluation and its images to what the page is handed. */

import type { TimelineEntry } from "../../contracts/run.js";
import type { ReportInput } from "./input.js";
import type { Confusion, LatencyBin, MatrixData, PageData, TimelineData } from "./page-data.js";

/** A matrix of more classes cannot be read. */
const MATRIX_CLASSES = 30;
const CONFUSIONS = 8;
const LATENCY_BINS = 32;
const TIMELINE_BATCHES = 4000;

export function toPageData({ evaluation, shape, chosen }: ReportInput): PageData {
  const { run, timing, timeline = [] } = evaluation;
  const { name, split, sha256, total, offset, classNames } = evaluation.dataset;
  const { name: networkName, sha256: networkSha256, layers } = evaluation.network;
  const { confusionMatrix, ...result } = evaluation.result;
  return {
    dataset: { name, split, sha256, total, offset },
    network: { name: networkName, sha256: networkSha256, layers },
    run,
    timing,
    result,
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
    timeline: timelineData(timeline),
  };
}

/** Where there are too many classes, those with the most mistakes, in their own order. */
function matrixData(counts: readonly (readonly number[])[]): MatrixData {
  const rowTotals = counts.map(sum);
  const columnTotals = counts.map((_, column) => sum(counts.map((row) => row[column])));
  const mistakes = counts.map((row, label) => rowTotals[label] + columnTotals[label] - 2 * row[label]);
  const classes = counts
    .map((_, label) => label)
    .sort((a, b) => mistakes[b] - mistakes[a])
    .slice(0, MATRIX_CLASSES)
    .sort((a, b) => a - b);
  return {
    classes,
    counts: classes.map((row) => classes.map((column) => counts[row][column])),
    rowTotals: classes.map((label) => rowTotals[label]),
    columnTotals: classes.map((label) => columnTotals[label]),
    confusions: confusions(counts),
  };
}

function confusions(counts: readonly (readonly number[])[]): Confusion[] {
  return counts
    .flatMap((row, label) =>
      row.flatMap((count, prediction) =>
        count > 0 && label !== prediction ? [{ label, prediction, count }] : [],
      ),
    )
    .sort((a, b) => b.count - a.count)
    .slice(0, CONFUSIONS);
}

/** Bins of equal ratio, since a first batch can take a hundred times as long as the median one. */
function latencyBins(latenciesMs: readonly number[]): LatencyBin[] {
  if (latenciesMs.length === 0) return [];
  // The clock's grain, so that a logarithm exists.
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
    counts[Math.min(bin, LATENCY_BINS - 1)]++;
  }
  return counts.map((count, n) => ({ fromMs: edge(n), toMs: edge(n + 1), count }));
}

function timelineData(timeline: readonly TimelineEntry[]): TimelineData {
  const first = timeline.toSorted((a, b) => a.startMs - b.startMs).slice(0, TIMELINE_BATCHES);
  return {
    total: timeline.length,
    batches: first.map(({ batch, thread, startMs, elapsedMs }) => [
      batch,
      thread,
      rounded(startMs, 1000),
      rounded(elapsedMs, 1000),
    ]),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function rounded(value: number, steps: number): number {
  return Math.round(value * steps) / steps;
}
