/** Section on speed: latencies of batches, and a timeline of threads. */
import * as Plot from "@observablehq/plot";
import type { LatencyBin } from "../src/reports/html/page-data.js";
import type { Report } from "./album.js";
import { chart, count, counted, element, milliseconds, section } from "./dom.js";

interface Bar {
  readonly batch: number;
  readonly thread: number;
  readonly startMs: number;
  readonly endMs: number;
}

export function speed(report: Report): HTMLElement {
  const { timing, run, latency, timeline } = report;
  const { p50, p90, p99 } = timing.batchLatencyMs;
  const percentiles = `p50 ${milliseconds(p50)}, p90 ${milliseconds(p90)}, p99 ${milliseconds(p99)}`;
  const bars = timeline.batches.map(([batch, thread, startMs, elapsedMs]) => ({
    batch,
    thread,
    startMs,
    endMs: startMs + elapsedMs,
  }));
  const threads = new Set(bars.map(({ thread }) => thread)).size;
  const { total, kept } = timeline;
  const all = counted(total, "batch", "batches");
  // If not all batches were kept, the kept ones are evenly spaced.
  const sample = kept < total ? `${count(kept)} of ${all}, evenly spaced` : undefined;
  const which =
    bars.length < kept ? `the first ${count(bars.length)} of ${sample ?? all}` : (sample ?? "every batch");
  return section(
    "speed",
    "Speed",
    `${count(timing.imagesPerSecond)} images per second: ${count(run.batches)} batches of up to ${counted(run.batchSize, "image")} in ${milliseconds(timing.evaluateMs)}.`,
    element(
      "div",
      { class: "pair" },
      chart(
        `Batches by latency${sample ? `, ${sample}` : ""} (${percentiles})`,
        `Histogram of batch latencies: ${percentiles}`,
        (width) => latencyPlot(latency, [p50, p90, p99], width),
      ),
      chart(
        `Threads over time, ${which}`,
        `Timeline of ${which} on ${counted(threads, "thread")}, from 0 to ${milliseconds(timing.evaluateMs)}`,
        (width) => timelinePlot(bars, threads, width),
      ),
    ),
  );
}

function latencyPlot(
  bins: readonly LatencyBin[],
  [p50, p90, p99]: readonly [number, number, number],
  width: number,
): Plot.PlotOptions {
  const marked = [
    { ms: p50, name: "p50" },
    { ms: p90, name: "p90" },
    { ms: p99, name: "p99" },
  ];
  return {
    height: 280,
    marginTop: 44,
    marginLeft: 48,
    marginBottom: 38,
    x: {
      type: "log",
      label: "Milliseconds (logarithmic)",
      tickFormat: "~r",
      ticks: Math.max(3, Math.floor(width / 90)),
    },
    y: { label: "Batches", domain: [0, 1.08 * Math.max(...bins.map((bin) => bin.count))] },
    marks: [
      Plot.gridY({ stroke: "var(--line)", strokeOpacity: 1 }),
      Plot.rect(bins, {
        x1: "fromMs",
        x2: "toMs",
        y1: 0,
        y2: "count",
        fill: "var(--accent)",
        insetLeft: 0.5,
        insetRight: 0.5,
        title: (bin: LatencyBin) =>
          `${milliseconds(bin.fromMs)} to ${milliseconds(bin.toMs)}\n${count(bin.count)} batches`,
        tip: true,
      }),
      Plot.ruleX(marked, { x: "ms", stroke: "var(--wrong)", strokeDasharray: "3 3" }),
      Plot.text(marked, {
        x: "ms",
        text: "name",
        frameAnchor: "top",
        dy: -12,
        fill: "var(--wrong-ink)",
      }),
      Plot.ruleY([0], { stroke: "var(--muted)" }),
    ],
  };
}

function timelinePlot(bars: readonly Bar[], threads: number, width: number): Plot.PlotOptions {
  return {
    height: Math.max(160, Math.min(640, threads * 34 + 60)),
    marginLeft: 72,
    marginBottom: 38,
    marginRight: 16,
    x: {
      label: "Milliseconds since the first batch was sent",
      // From 0, to show when the threads start.
      domain: [0, Math.max(...bars.map(({ endMs }) => endMs))],
      ticks: Math.max(3, Math.floor(width / 90)),
    },
    y: {
      type: "band",
      label: null,
      tickSize: 0,
      tickFormat: (thread: number) => (thread === 0 ? "main" : `thread ${thread}`),
    },
    marks: [
      Plot.gridX({ stroke: "var(--line)", strokeOpacity: 1 }),
      Plot.barX(bars, {
        x1: "startMs",
        x2: "endMs",
        y: "thread",
        fill: "var(--accent)",
        stroke: "var(--surface)",
        strokeWidth: 0.5,
        title: (bar: Bar) =>
          `batch ${count(bar.batch)}\n${milliseconds(bar.endMs - bar.startMs)}, from ${milliseconds(bar.startMs)}`,
        tip: true,
      }),
    ],
  };
}
