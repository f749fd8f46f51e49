/** The report as the page has it. */
import type { PageData, PageImage } from "#src/reports/html/page-data.js";
import type { Placed } from "./album.js";
import type { Shown } from "./read-page.js";

export interface Report extends PageData, Shown {}

export type PlacedImage = PageImage & Placed;

/** The probability of what was predicted. */
export function confidenceOf({ probabilities: [[, probability]] }: PageImage): number {
  return probability;
}
