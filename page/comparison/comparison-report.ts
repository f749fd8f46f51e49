/** The comparison as the page has it. */
import type { ComparedImage, ComparisonPageData } from "#src/reports/html/comparison/page-data.js";
import type { Placed } from "../album.js";
import type { Shown } from "../read-page.js";

export interface ComparisonReport extends ComparisonPageData, Shown {}

export type PlacedCompared = ComparedImage & Placed;

/** As the style sheet has the colours of both sides. */
export const COLOURS = { a: "var(--side-a)", b: "var(--side-b)" } as const;

export type Right = keyof ComparisonPageData["result"]["right"];

export function whoIsRight({ label, a, b }: ComparedImage): Right {
  if (a === label) return b === label ? "both" : "onlyA";
  return b === label ? "onlyB" : "neither";
}
