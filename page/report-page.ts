/** Puts the report of an evaluation together. */
import { placed } from "./album.js";
import { calibration } from "./calibration.js";
import { cardLists } from "./card-list.js";
import { confusion } from "./confusion.js";
import type { Framed } from "./frame.js";
import { gallery } from "./gallery.js";
import { headline } from "./headline.js";
import { perClass } from "./per-class.js";
import { provenance } from "./provenance.js";
import { hasLongNames } from "./read-page.js";
import type { Report } from "./report.js";
import { reportAlbum } from "./report-album.js";
import { speed } from "./speed.js";

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
      ...(scores === null ? [] : [{ name: "Calibration", content: calibration(scores) }]),
      ...(report.timeline.total === 0 ? [] : [{ name: "Speed", content: speed(report) }]),
      { name: "About", content: provenance(report) },
    ],
  };
}
