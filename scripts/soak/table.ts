/** What the soak came to: a table in Markdown, and what was wrong. */

import { grouped } from "#src/base/errors/define.js";
import { markdownTable } from "#src/reports/markdown.js";
import type { Footprint } from "./footprint.js";
import type { PartReport } from "./supervise.js";

const COLUMNS = [
  "part",
  "done",
  "time, s",
  "peak memory, MB",
  "growth, MB",
  "threads, growth",
  "descriptors, growth",
  "wrong",
];

export function soakText(reports: readonly PartReport[]): string {
  const rows = reports.map(({ name, unit, asked, done, elapsedMs, flatness, problems }) => [
    name,
    `${grouped(done)}${done < asked ? ` of ${grouped(asked)}` : ""} ${unit}`,
    (elapsedMs / 1000).toFixed(1),
    megabytes(flatness?.peak),
    megabytes(flatness?.growth),
    pair("threads", flatness),
    pair("descriptors", flatness),
    problems.length === 0 ? "nothing" : problems.length,
  ]);
  const align = COLUMNS.map((_, n) => (n < 2 ? "left" : "right"));
  const wrong = reports.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}\n`));
  return `${markdownTable(COLUMNS, rows, align)}${wrong.length === 0 ? "" : "\n"}${wrong.join("")}`;
}

function megabytes(footprint: Footprint | undefined): string {
  return footprint === undefined ? "–" : (footprint.rssBytes / 1e6).toFixed(1);
}

function pair(measure: "threads" | "descriptors", flatness: PartReport["flatness"]): string {
  return flatness === undefined ? "–" : `${flatness.peak[measure]}, ${flatness.growth[measure]}`;
}
