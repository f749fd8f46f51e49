/** Puts the page of a comparison together. */
import { placed } from "../album.js";
import { cardLists } from "../card-list.js";
import type { Framed } from "../frame.js";
import { hasLongNames } from "../read-page.js";
import { agreement } from "./agreement.js";
import { classByClass } from "./class-by-class.js";
import { comparedAlbum } from "./compared-album.js";
import { comparedGallery } from "./compared-gallery.js";
import { comparedHeadline } from "./compared-headline.js";
import { comparedProvenance } from "./compared-provenance.js";
import type { ComparisonReport } from "./comparison-report.js";

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
