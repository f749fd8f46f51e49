/** Accuracy by group, as text and as Markdown; loaded only for an evaluation with groups or a slice. */

import type { AnyEvaluation, GroupCounts } from "#src/base/contracts/result.js";
import { grouped } from "#src/base/errors/define.js";
import { printable } from "#src/base/text.js";
import { cellsOf, leftCell, rightCell, shortened } from "./cells.js";
import { markdownTable, markdownText } from "./markdown.js";

/** Most groups of a table; the JSON has all. */
const MOST_SHOWN = 40;
const NAME_CELLS = 24;

/** The groups shown: all, or those with the lowest accuracies. */
function shownOf(groups: readonly GroupCounts[]): readonly GroupCounts[] {
  if (groups.length <= MOST_SHOWN) return groups;
  return groups.toSorted((a, b) => (a.accuracy ?? 2) - (b.accuracy ?? 2)).slice(0, MOST_SHOWN);
}

const HEADER = ["Group", "Total", "Correct", "Accuracy", "95 % interval"];

function rowOf({ total, correct, accuracy, confidenceInterval95: [low, high] }: GroupCounts): string[] {
  const interval = total === 0 ? "-" : `${low.toFixed(4)} to ${high.toFixed(4)}`;
  return [grouped(total), grouped(correct), accuracy?.toFixed(4) ?? "-", interval];
}

/** Lines before those of the evaluation: which labels are counted, and the groups. */
export function sliceText({ where, groups }: AnyEvaluation): string {
  const lines: string[] = [];
  if (where !== undefined)
    lines.push(`${leftCell("Counted", 8)} : only images with the labels ${where.labels.join(", ")}`);
  if (groups !== undefined) {
    const shown = shownOf(groups);
    const rows = shown.map((group) => [shortened(printable(group.name), NAME_CELLS), ...rowOf(group)]);
    const table = [HEADER, ...rows];
    const widths = HEADER.map((_, column) => Math.max(...table.map((cells) => cellsOf(cells[column] ?? ""))));
    if (shown.length < groups.length)
      lines.push(`The ${shown.length} groups of ${grouped(groups.length)} with the lowest accuracy:`);
    for (const [first = "", ...rest] of table) {
      const cells = rest.map((cell, n) => rightCell(cell, widths[n + 1] ?? 0));
      lines.push([leftCell(first, widths[0] ?? 0), ...cells].join("  ").trimEnd());
    }
    lines.push("");
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** The same as Markdown, behind the rest. */
export function sliceMarkdown({ where, groups }: AnyEvaluation): string {
  const parts: string[] = [];
  if (where !== undefined)
    parts.push(`Only images with the labels ${where.labels.join(", ")} are counted.\n`);
  if (groups !== undefined) {
    const rows = shownOf(groups).map((group) => [markdownText(group.name), ...rowOf(group)]);
    const header = HEADER.map((name) => name.toLowerCase());
    parts.push(markdownTable(header, rows, ["left", "right", "right", "right", "right"]));
  }
  return parts.map((part) => `\n${part}`).join("");
}
