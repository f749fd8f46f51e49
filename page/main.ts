/** Entry point of the page: shows the document's data, an evaluation or a comparison. */

import {
  type Album,
  confidenceOf,
  fact,
  hasLongNames,
  type PlacedImage,
  placed,
  type Report,
  readPage,
  verdict,
} from "./album.js";
import { calibration } from "./calibration.js";
import { cardLists } from "./cards.js";
import { comparisonPage } from "./comparison/page.js";
import { confusion } from "./confusion.js";
import { confidence, count, element, setShare } from "./dom.js";
import { type Framed, showFramed } from "./frame.js";
import { gallery } from "./gallery.js";
import { headline } from "./headline.js";
import { byGroup, perClass } from "./per-class.js";
import { provenance } from "./provenance.js";
import { speed } from "./speed.js";

async function show(): Promise<void> {
  const page = await readPage();
  showFramed(page.kind === "evaluation" ? reportPage(page) : comparisonPage(page));
}

show().catch((error: unknown) => {
  const text = `Cannot show this report: it needs a browser from 2024 or later. ${error}`;
  document.body.prepend(element("p", { class: "warning", role: "alert" }, text));
});

/** Page of an evaluation. */
export function reportPage(report: Report): Framed {
  const images = placed(report.images);
  const newCardList = cardLists(reportAlbum(report));
  const { scores } = report.result;
  return {
    what: "report",
    hasLongNames: hasLongNames(report),
    headline: headline(report),
    sections: [
      { name: "Confusion", content: confusion(report, images, newCardList) },
      { name: "Mistakes", content: gallery(report, images, newCardList) },
      { name: "Classes", content: perClass(report) },
      ...(report.groups === undefined ? [] : [{ name: "Groups", content: byGroup(report.groups) }]),
      ...(scores === null ? [] : [{ name: "Calibration", content: calibration(scores) }]),
      ...(report.timeline.total === 0 ? [] : [{ name: "Speed", content: speed(report) }]),
      { name: "About", content: provenance(report) },
    ],
  };
}

/** Images of an evaluation, with label, prediction and confidence. */
const CARD_BARS = 3;

export function reportAlbum(report: Report): Album<PlacedImage> {
  const { shape, pixelsOf, nameOf } = report;
  return {
    shape,
    pixelsOf,
    describe: (image) =>
      `Image ${count(image.index)}: label ${nameOf(image.label)}, predicted ${nameOf(image.prediction)}${confidenceInWords(image)}`,
    facts: (image, where) => [
      verdict(
        fact("label", nameOf(image.label), true),
        fact("predicted", nameOf(image.prediction), image.label === image.prediction),
      ),
      probabilityBars(report, image, where === "card" ? CARD_BARS : image.probabilities.length),
    ],
  };
}

/** Predictions that were made elsewhere may have no probabilities. */
function confidenceInWords(image: PlacedImage): string {
  return image.probabilities.length === 0 ? "" : `, confidence ${confidence(confidenceOf(image))}`;
}

/** Bars of the `most` most probable classes, and of the label. */
export function probabilityBars({ nameOf }: Report, image: PlacedImage, most: number): HTMLElement {
  const shown = image.probabilities.filter(([label], rank) => rank < most || label === image.label);
  return element(
    "ul",
    { class: "bars", "aria-label": "Probabilities" },
    ...shown.map(([label, probability]) => {
      const bar = element("span", { class: "bar", "aria-hidden": "true" });
      setShare(bar, probability);
      return element(
        "li",
        { class: label === image.label ? "right" : "wrong" },
        element("span", { class: "name", title: nameOf(label) }, nameOf(label)),
        bar,
        element("span", { class: "number" }, confidence(probability)),
      );
    }),
  );
}
