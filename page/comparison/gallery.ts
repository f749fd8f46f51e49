/** Section with the images that at least one network gets wrong, in tabs by who is right. */

import type { NewCardList } from "../cards.js";
import { count, counted, element, section } from "../dom.js";
import { tabList } from "../frame.js";
import { type ComparisonReport, type PlacedCompared, whoIsRight } from "./album.js";

const PAGE_SIZE = 24;
const TABS = [
  ["onlyA", "Only A is right"],
  ["onlyB", "Only B is right"],
  ["neither", "Both are wrong"],
] as const;

export function comparedGallery(
  { result: { right } }: ComparisonReport,
  images: readonly PlacedCompared[],
  newCardList: NewCardList<PlacedCompared>,
): HTMLElement {
  const told = element("p", { class: "note", role: "status" });
  const cards = newCardList(PAGE_SIZE);
  const panel = element("div", { id: "differences-panel" }, told, cards.root);
  const all = right.onlyA + right.onlyB + right.neither;
  const kept = images.filter((image) => whoIsRight(image) !== "both").length;
  const tabs = tabList(
    "Who is right",
    TABS.map(([who, name]) => `${name}: ${count(right[who])}`),
    panel,
    (tab) => {
      const [who] = TABS[tab]!;
      const shown = images.filter((image) => whoIsRight(image) === who);
      told.textContent = shownNote(right[who]!, shown.length);
      cards.show(shown);
    },
  );
  return section(
    "differences",
    "Differences",
    kept === all
      ? "All images that A or B gets wrong, in the order of the data."
      : `${count(kept)} of the ${counted(all, "image")} that A or B gets wrong. The page does not contain the others; each of the three groups has a share.`,
    tabs,
    panel,
  );
}

function shownNote(total: number, shown: number): string {
  if (total === 0) return "No images.";
  if (shown === total) return `${counted(total, "image")}, in the order of the data.`;
  return `The first ${count(shown)} of ${counted(total, "image")}. The page does not contain the others.`;
}
