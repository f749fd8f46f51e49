/** What a report tells of an image: its label, what it was taken for, and how surely. */
import { type Album, fact, verdict } from "./album.js";
import { probabilityBars } from "./probability-bars.js";
import { confidenceOf, type PlacedImage, type Report } from "./report.js";
import { confidence, count } from "./words.js";

const CARD_BARS = 3;

export function reportAlbum(report: Report): Album<PlacedImage> {
  const { shape, pixelsOf, nameOf } = report;
  return {
    shape,
    pixelsOf,
    describe: (image) =>
      `Image ${count(image.index)}: label ${nameOf(image.label)}, predicted ${nameOf(image.prediction)}, confidence ${confidence(confidenceOf(image))}`,
    facts: (image, where) => [
      verdict(
        fact("label", nameOf(image.label), true),
        fact("predicted", nameOf(image.prediction), image.label === image.prediction),
      ),
      probabilityBars(report, image, where === "card" ? CARD_BARS : image.probabilities.length),
    ],
  };
}
