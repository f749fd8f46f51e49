/** Sections with the accuracy of both networks by class, and with the agreement matrix. */

import * as Plot from "@observablehq/plot";
import type { ClassScores } from "../../src/reports/html/page-data.js";
import type { NewCardList } from "../cards.js";
import { matrixExplorer } from "../confusion.js";
import { chart, count, counted, decimal, numbersTable, percent, section } from "../dom.js";
import { COLOURS, type ComparisonReport, type PlacedCompared, signedDecimal, whoIsRight } from "./album.js";

/** Most classes of a readable chart. The table has all. */
const CHART_CLASSES = 30;
const GROUP_HEIGHT = 46;

interface Bar {
  readonly label: number;
  readonly side: "A" | "B";
  readonly accuracy: number;
}

export function classByClass(report: ComparisonReport): HTMLElement {
  const { perClass, nameOf } = report;
  const byDifference = perClass.toSorted((x, y) => Math.abs(differenceOf(y)) - Math.abs(differenceOf(x)));
  const charted = new Set(byDifference.slice(0, CHART_CLASSES));
  const bars = perClass.filter((scores) => charted.has(scores)).flatMap(barsOf);
  const [widest] = byDifference;
  return section(
    "classes",
    "Classes",
    `${widest === undefined ? "No class has images." : `The largest difference is on class ${nameOf(widest.label)}: A − B is ${signedDecimal(differenceOf(widest))}.`}${
      charted.size < perClass.length
        ? ` The chart shows the ${CHART_CLASSES} classes with the largest differences.`
        : ""
    }`,
    chart(
      "Accuracy of A and B on the images of each class",
      `Accuracy by class: ${bars.map(({ label, side, accuracy }) => `${nameOf(label)} ${side} ${decimal(accuracy)}`).join(", ")}`,
      (width) => groupedBars(report, bars, width),
    ),
    table(report),
  );
}

function barsOf({ label, support, a, b }: ClassScores): Bar[] {
  return [
    { label, side: "A", accuracy: a / support },
    { label, side: "B", accuracy: b / support },
  ];
}

function groupedBars({ nameOf }: ComparisonReport, bars: readonly Bar[], width: number): Plot.PlotOptions {
  const labels = [...new Set(bars.map(({ label }) => label))];
  const longest = Math.max(0, ...labels.map((label) => nameOf(label).length));
  return {
    height: labels.length * GROUP_HEIGHT + 40,
    marginLeft: Math.min(24 + 7 * longest, Math.floor(width * 0.4)),
    marginTop: 4,
    marginRight: 64,
    marginBottom: 28,
    x: { domain: [0, 1], ticks: 5, label: null },
    y: { domain: ["A", "B"], axis: null, padding: 0.1 },
    fy: { domain: labels, label: null, padding: 0.18, axis: null },
    color: { domain: ["A", "B"], range: [COLOURS.a, COLOURS.b] },
    marks: [
      Plot.gridX({ ticks: 5, stroke: "var(--line)", strokeOpacity: 1 }),
      Plot.axisFy({ anchor: "left", tickFormat: nameOf, label: null }),
      Plot.barX(bars, { fy: "label", y: "side", x: "accuracy", fill: "side", rx: 3 }),
      Plot.text(bars, {
        fy: "label",
        y: "side",
        x: "accuracy",
        text: ({ side, accuracy }: Bar) => `${side} ${decimal(accuracy, 3)}`,
        textAnchor: "start",
        dx: 6,
        // An outline separates the text from the lines of the grid.
        fill: "currentColor",
        stroke: "var(--surface)",
        strokeWidth: 4,
      }),
    ],
  };
}

function table({ perClass, result, nameOf }: ComparisonReport): HTMLElement {
  return numbersTable({
    name: "Accuracy by class",
    caption: "Accuracy of A and B by class",
    // The most important columns come first: on a phone, the others need scrolling.
    head: ["Class", "A", "B", "A − B", "Images", "A right", "B right"],
    rows: perClass.map((scores) => rowOf(nameOf(scores.label), scores)),
    means: [rowOf("all", { support: Math.max(1, result.total), a: result.a.correct, b: result.b.correct })],
  });
}

function rowOf(name: string, scores: Omit<ClassScores, "label">): [string, ...string[]] {
  const { support, a, b } = scores;
  return [
    name,
    decimal(a / support),
    decimal(b / support),
    signedDecimal(differenceOf(scores)),
    count(support),
    count(a),
    count(b),
  ];
}

function differenceOf({ support, a, b }: Omit<ClassScores, "label">): number {
  return (a - b) / support;
}

/** Section with the agreement matrix and the images of its cells. */
const PAGE_SIZE = 12;

export function agreement(
  { matrix, classNames, result, nameOf }: ComparisonReport,
  images: readonly PlacedCompared[],
  newCardList: NewCardList<PlacedCompared>,
): HTMLElement {
  const { agreed, total } = result;
  // Images that either gets wrong come first: the page holds only a few of the others.
  const inOrder = [
    ...images.filter((image) => whoIsRight(image) !== "both"),
    ...images.filter((image) => whoIsRight(image) === "both"),
  ];
  return section(
    "agreement",
    "Agreement matrix",
    `Both predict the same class for ${count(agreed)} of ${counted(total, "image")}${total === 0 ? "" : ` (${percent(agreed / total)})`}, right or wrong. Choose a cell to see its images; the arrow keys move through the grid.`,
    matrixExplorer({
      matrix,
      classNames,
      nameOf,
      cards: newCardList(PAGE_SIZE),
      name: "Agreement matrix: rows are predictions of A, columns predictions of B",
      corner: "A ↓ B →",
      besideDiagonal: "disagreements",
      nothingBeside: "There are no disagreements.",
      cellName: (a, b) => `A predicts ${nameOf(a)}, B predicts ${nameOf(b)}`,
      cellTitle: (a, b) =>
        a === b ? `Both predict ${nameOf(a)}` : `A predicts ${nameOf(a)}, B predicts ${nameOf(b)}`,
      cellNote: ({ row, column, count: inCell }, shown) => shownNote(inCell, shown, row === column),
      imagesOf: (a, b) => inOrder.filter((image) => image.a === a && image.b === b),
    }),
  );
}

function shownNote(total: number, shown: number, isDiagonal: boolean): string {
  const order = isDiagonal ? "images that both get wrong first" : "in the order of the data";
  if (shown === total) return `${counted(total, "image")}, ${order}.`;
  return `${count(shown)} of ${counted(total, "image")}, ${order}. The page does not contain the others.`;
}
