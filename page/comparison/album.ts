/** Data and images of a comparison's page, and differences as text. */
import type { ComparedImage, ComparisonPageData } from "../../src/reports/html/page-data.js";
import { type Album, fact, type Placed, type Shown, verdict } from "../album.js";
import type { NewCardList } from "../cards.js";
import { count, counted, element, section } from "../dom.js";
import { tabList } from "../frame.js";

export interface ComparisonReport extends ComparisonPageData, Shown {}

export type PlacedCompared = ComparedImage & Placed;

/** CSS colours of the two sides. */
export const COLOURS = { a: "var(--side-a)", b: "var(--side-b)" } as const;

export type Right = keyof ComparisonPageData["result"]["right"];

export function whoIsRight({ label, a, b }: ComparedImage): Right {
  if (a === label) return b === label ? "both" : "onlyA";
  return b === label ? "onlyB" : "neither";
}

/** Images of a comparison, with the label and both predictions. */
export function comparedAlbum(report: ComparisonReport): Album<PlacedCompared> {
  const { shape, pixelsOf, nameOf } = report;
  return {
    shape,
    pixelsOf,
    describe: ({ index, label, a, b }) =>
      `Image ${count(index)}: label ${nameOf(label)}, A predicts ${nameOf(a)}, B predicts ${nameOf(b)}`,
    facts: (image, where) => [
      where === "enlarged"
        ? predictions(report, image)
        : verdict(
            fact("label", nameOf(image.label), true),
            fact("A", nameOf(image.a), image.a === image.label),
            fact("B", nameOf(image.b), image.b === image.label),
          ),
    ],
  };
}

function predictions({ a, b, nameOf }: ComparisonReport, image: PlacedCompared): HTMLElement {
  const rows: readonly (readonly [what: string, predicted: number])[] = [
    ["Label", image.label],
    [`A, ${a.name}`, image.a],
    [`B, ${b.name}`, image.b],
  ];
  return element(
    "dl",
    { class: "predictions" },
    ...rows.flatMap(([what, predicted]) => [
      element("dt", {}, what),
      element("dd", { class: predicted === image.label ? "right" : "wrong" }, nameOf(predicted)),
    ]),
  );
}

/** Number with a sign: `+0.0042`. Zero has no sign. */
export function signedDecimal(value: number, digits = 4): string {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value < 0 ? "−" : "+"}${text}`;
}

/** Difference of shares in percentage points: `+0.42`. */
export function points(share: number): string {
  return signedDecimal(100 * share, 2);
}

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
