/** Accuracies, each a dot within its interval, on one axis. */
import * as Plot from "@observablehq/plot";

export interface Interval {
  readonly accuracy: number;
  readonly low: number;
  readonly high: number;
  /** As the style sheet has it. */
  readonly colour: string;
  /** Beside its row, where there are several. */
  readonly name?: string;
}

const ROW_HEIGHT = 36;

export function intervalPlot(width: number, intervals: readonly Interval[]): Plot.PlotOptions {
  const low = Math.min(...intervals.map((interval) => interval.low));
  const high = Math.max(...intervals.map((interval) => interval.high));
  const margin = Math.max((high - low) * (intervals.length > 1 ? 0.15 : 0.5), 0.001);
  const ticks = Math.min(8, Math.floor(width / 60));
  return {
    height: 48 + ROW_HEIGHT * intervals.length,
    marginBottom: 40,
    marginTop: 8,
    marginLeft: 24,
    marginRight: 24,
    x: {
      domain: [Math.max(0, low - margin), Math.min(1, high + margin)],
      ticks,
      tickFormat: (share: number) => (100 * share).toFixed(1),
      label: "Accuracy, %",
    },
    y: { type: "point", domain: [...intervals.keys()], axis: null, padding: 0.5 },
    marks: [
      Plot.gridX({ ticks, stroke: "var(--line)", strokeOpacity: 1 }),
      intervals.flatMap(({ accuracy, low, high, colour, name = "" }, row) => [
        Plot.ruleY([row], { x1: low, x2: high, stroke: colour, strokeWidth: 8, strokeLinecap: "round" }),
        Plot.dot([row], {
          x: accuracy,
          y: row,
          r: 6,
          fill: "var(--surface)",
          stroke: colour,
          strokeWidth: 3,
        }),
        Plot.text([row], {
          frameAnchor: "left",
          dx: -24,
          y: row,
          text: () => name,
          textAnchor: "start",
          fontWeight: 700,
        }),
      ]),
    ],
  };
}
