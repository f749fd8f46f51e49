/** Page of a comparison, and its section of facts. */
import { pValueText } from "../../src/reports/comparison-words.js";
import type { PageSide } from "../../src/reports/html/page-data.js";
import { hasLongNames, placed } from "../album.js";
import { cardLists } from "../cards.js";
import { chart, count, counted, element, milliseconds, percent, tile } from "../dom.js";
import type { Framed } from "../frame.js";
import { hero, type Interval, intervalPlot } from "../headline.js";
import { aboutSection, imagesOfData, threadsText } from "../provenance.js";
import { COLOURS, type ComparisonReport, comparedAlbum, comparedGallery, points } from "./album.js";
import { agreement, classByClass } from "./classes.js";

export function comparedHeadline(report: ComparisonReport): HTMLElement {
  const { dataset, a, b, result } = report;
  const intervals = [intervalOf(report, "a"), intervalOf(report, "b")];
  return hero({
    kicker: "Comparison",
    title: `${a.name} and ${b.name} on ${dataset.name}`,
    warning: result.complete
      ? undefined
      : "Partial: all numbers cover only the images that both networks predicted.",
    assumptions: report.assumptions,
    figure: points(result.difference.accuracy),
    unit: "points, A − B",
    lead: conclusion(report),
    more: [
      element("ul", { class: "sides" }, sideElement("A", a.name, "a"), sideElement("B", b.name, "b")),
      chart(
        "Accuracies with their 95 % intervals",
        intervals
          .map(
            ({ name, accuracy, low, high }) =>
              `${name}: ${percent(accuracy)}, ${percent(low)} to ${percent(high)}`,
          )
          .join("; "),
        (width) => intervalPlot(width, intervals),
      ),
    ],
    tiles: tiles(report),
  });
}

/** Conclusion from the paired interval. If it contains 0, neither network is shown to be better. */
function conclusion({ result: { difference, right, total } }: ComparisonReport): string {
  const [low, high] = difference.confidenceInterval95;
  const gap = Math.abs(right.onlyA - right.onlyB);
  const found =
    gap === 0
      ? `Both are right on the same number of ${counted(total, "image")}.`
      : `${right.onlyA > right.onlyB ? "A" : "B"} is right on ${count(gap)} more of ${counted(total, "image")}.`;
  const certainty =
    low > 0 || high < 0
      ? "The 95 % interval of the difference does not contain zero: chance alone does not explain it."
      : "The 95 % interval of the difference contains zero: chance can explain it.";
  return `${found} ${certainty}`;
}

function sideElement(letter: string, name: string, side: "a" | "b"): HTMLElement {
  return element(
    "li",
    {},
    element("b", { class: `side ${side}` }, letter),
    element("span", { title: name }, name),
  );
}

function intervalOf({ result }: ComparisonReport, side: "a" | "b"): Interval & { readonly name: string } {
  const {
    accuracy,
    confidenceInterval95: [low, high],
  } = result[side];
  return { name: side.toUpperCase(), accuracy, low, high, colour: COLOURS[side] };
}

function tiles({ result }: ComparisonReport): HTMLElement[] {
  const { a, b, difference, right, mcnemarPValue, agreed, total } = result;
  const [low, high] = difference.confidenceInterval95;
  const share = (images: number) => (total === 0 ? "no images" : `${percent(images / total)} of the images`);
  return [
    accuracyTile("Accuracy of A", a),
    accuracyTile("Accuracy of B", b),
    tile("A − B, in points", points(difference.accuracy), `95 %: ${points(low)} to ${points(high)}`),
    tile("McNemar’s p", pValueText(mcnemarPValue), "exact, two-sided"),
    tile("Only A right", count(right.onlyA), share(right.onlyA)),
    tile("Only B right", count(right.onlyB), share(right.onlyB)),
    tile("Both right", count(right.both), share(right.both)),
    tile("Both wrong", count(right.neither), share(right.neither)),
    tile("Agreed", count(agreed), share(agreed)),
  ];
}

function accuracyTile(
  name: string,
  { accuracy, confidenceInterval95: [low, high] }: ComparisonReport["result"]["a"],
): HTMLElement {
  return tile(name, percent(accuracy), `95 %: ${(100 * low).toFixed(2)} to ${percent(high)}`);
}

export function comparisonPage(report: ComparisonReport): Framed {
  const images = placed(report.images);
  const newCardList = cardLists(comparedAlbum(report));
  return {
    what: "comparison",
    hasLongNames: hasLongNames(report),
    headline: comparedHeadline(report),
    sections: [
      { name: "Differences", content: comparedGallery(report, images, newCardList) },
      { name: "Agreement", content: agreement(report, images, newCardList) },
      { name: "Classes", content: classByClass(report) },
      { name: "About", content: comparedProvenance(report) },
    ],
  };
}

/** Section with the facts that repeat a comparison: networks, data and run. */
export function comparedProvenance({
  a,
  b,
  dataset,
  run,
  result,
  shape,
  timing,
}: ComparisonReport): HTMLElement {
  return aboutSection("What was compared", [
    ["A", sideText(a)],
    ["A’s SHA-256", a.sha256],
    ["B", sideText(b)],
    ["B’s SHA-256", b.sha256],
    ["Data", imagesOfData(dataset, result.total, shape)],
    ["Data’s SHA-256", dataset.sha256 ?? dataset["sampled-sha256"] ?? "unknown"],
    [
      "Run",
      run === null
        ? "nothing was computed; both sides come from result files"
        : `${run.engine}, ${threadsText(run.threads)}, batches of ${count(run.batchSize)}, ${milliseconds(timing.evaluateMs)}; retries: ${count(run.retries)}`,
    ],
    ["Intervals", "95 %: Wilson’s for each accuracy, Newcombe’s for the difference of paired proportions"],
  ]);
}

function sideText({ name, layers, source }: PageSide): string {
  const predictions = source === "result" ? ", predictions from a result file" : "";
  return `${name}, layers ${layers.join(" – ")}${predictions}`;
}
