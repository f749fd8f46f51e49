/** Section with precision, recall and F1 of each class, as bars and as a table. */
import * as Plot from "@observablehq/plot";
import type { ClassMetrics } from "../src/base/contracts/metrics.js";
import type { Report } from "./album.js";
import { chart, count, decimal, element, numbersTable, section } from "./dom.js";

const MEASURES = [
  ["precision", "Precision", "share of correct images among those predicted as the class"],
  ["recall", "Recall", "share of correct images among those labelled as the class"],
  ["f1", "F1", "harmonic mean of precision and recall"],
] as const;
type Measure = (typeof MEASURES)[number][0];

/** Most classes of a readable chart. The table has all. */
const CHART_CLASSES = 30;
const ROW_HEIGHT = 24;

export function perClass(report: Report): HTMLElement {
  const { result } = report;
  const lowest = result.perClass.toSorted((a, b) => rankOf(a) - rankOf(b));
  const charted = new Set(lowest.slice(0, CHART_CLASSES));
  const shown = result.perClass.filter((metrics) => charted.has(metrics));
  return section(
    "classes",
    "Classes",
    `${extremesInWords(report, lowest)}${
      shown.length < result.perClass.length
        ? ` The charts show the ${CHART_CLASSES} classes with the lowest F1.`
        : ""
    }`,
    element(
      "div",
      { class: "measures" },
      ...MEASURES.map(([measure, name, meaning]) =>
        chart(`${name}: ${meaning}`, barsInWords(report, shown, measure, name), (width) =>
          measurePlot(report, shown, measure, width),
        ),
      ),
    ),
    table(report),
  );
}

/** Sort key. Classes without an F1 come last. */
function rankOf({ f1 }: ClassMetrics): number {
  return f1 ?? 2;
}

function extremesInWords({ nameOf }: Report, ranked: readonly ClassMetrics[]): string {
  const measured = ranked.filter(({ f1 }) => f1 !== null);
  const [lowest, highest] = [measured.at(0), measured.at(-1)];
  if (lowest === undefined || highest === undefined) return "No class has images or predictions.";
  return `Class ${nameOf(lowest.label)} has the lowest F1, class ${nameOf(highest.label)} the highest.`;
}

function barsInWords(
  { nameOf }: Report,
  shown: readonly ClassMetrics[],
  measure: Measure,
  name: string,
): string {
  return `${name} by class: ${shown.map((metrics) => `${nameOf(metrics.label)} ${decimal(metrics[measure])}`).join(", ")}`;
}

function measurePlot(
  { nameOf }: Report,
  shown: readonly ClassMetrics[],
  measure: Measure,
  width: number,
): Plot.PlotOptions {
  const longest = Math.max(...shown.map(({ label }) => nameOf(label).length));
  const share = (metrics: ClassMetrics) => metrics[measure] ?? 0;
  return {
    height: shown.length * ROW_HEIGHT + 40,
    marginLeft: Math.min(16 + 7 * longest, Math.floor(width * 0.4)),
    marginTop: 4,
    marginRight: 12,
    marginBottom: 28,
    x: { domain: [0, 1], ticks: 5, label: null },
    y: {
      type: "band",
      domain: shown.map(({ label }) => label),
      tickFormat: nameOf,
      label: null,
      tickSize: 0,
    },
    marks: [
      Plot.gridX({ ticks: 5, stroke: "var(--line)", strokeOpacity: 1 }),
      Plot.barX(shown, { y: "label", x: share, fill: "var(--accent)", rx: 3, insetTop: 2, insetBottom: 2 }),
      Plot.text(shown, {
        y: "label",
        x: share,
        text: (metrics: ClassMetrics) => decimal(metrics[measure], 3),
        // The number is inside a long bar, and beside a short one.
        textAnchor: "end",
        filter: (metrics: ClassMetrics) => share(metrics) >= 0.3,
        dx: -6,
        fill: "var(--on-accent)",
      }),
      Plot.text(shown, {
        y: "label",
        x: share,
        text: (metrics: ClassMetrics) => decimal(metrics[measure], 3),
        textAnchor: "start",
        filter: (metrics: ClassMetrics) => share(metrics) < 0.3,
        dx: 6,
      }),
    ],
  };
}

function table({ result, nameOf }: Report): HTMLElement {
  const { macro, weighted, micro } = result.averages;
  const total = count(result.total);
  return numbersTable({
    name: "Measures by class",
    caption: "Precision, recall and F1 by class, and their means",
    head: ["Class", "Precision", "Recall", "F1", "Images", "Predicted"],
    rows: result.perClass.map((metrics) => [
      nameOf(metrics.label),
      ...measures(metrics),
      count(metrics.support),
      count(metrics.predicted),
    ]),
    means: [
      ["macro mean", ...measures(macro), total, total],
      ["weighted mean", ...measures(weighted), total, total],
      ["micro mean", ...measures(micro), total, total],
    ],
  });
}

function measures({ precision, recall, f1 }: Pick<ClassMetrics, Measure>): string[] {
  return [precision, recall, f1].map((value) => decimal(value));
}

type Groups = NonNullable<Report["groups"]>;

/** Section with the accuracy of each group. */
export function byGroup(groups: Groups): HTMLElement {
  const ranked = groups.flatMap(({ name, accuracy }) => (accuracy === null ? [] : [{ name, accuracy }]));
  ranked.sort((a, b) => a.accuracy - b.accuracy);
  const [lowest, highest] = [ranked.at(0), ranked.at(-1)];
  const lead =
    lowest === undefined || highest === undefined
      ? "No group has images."
      : `Group ${lowest.name} has the lowest accuracy, group ${highest.name} the highest.`;
  return section(
    "groups",
    "Groups",
    lead,
    numbersTable({
      name: "Accuracy by group",
      caption: "Accuracy by group, with its 95 % interval",
      head: ["Group", "Images", "Correct", "Accuracy", "From", "To"],
      rows: groups.map(({ name, total, correct, accuracy, confidenceInterval95: [low, high] }) => [
        name,
        count(total),
        count(correct),
        decimal(accuracy),
        decimal(low),
        decimal(high),
      ]),
    }),
  );
}
