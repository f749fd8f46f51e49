/** Page of a comparison, and its section of facts. */

import type { PageSide } from "../../src/reports/html/page-data.js";
import { hasLongNames, placed } from "../album.js";
import { cardLists } from "../cards.js";
import { count, milliseconds } from "../dom.js";
import type { Framed } from "../frame.js";
import { aboutSection, imagesOfData, threadsText } from "../provenance.js";
import { type ComparisonReport, comparedAlbum } from "./album.js";
import { agreement, classByClass } from "./classes.js";
import { comparedGallery } from "./gallery.js";
import { comparedHeadline } from "./headline.js";

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
