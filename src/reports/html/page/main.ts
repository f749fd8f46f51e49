/** The page: puts the report together where the document has loaded. */
import { calibration } from "./calibration.js";
import { confusion } from "./confusion.js";
import { element } from "./dom.js";
import { gallery } from "./gallery.js";
import { headline } from "./headline.js";
import { createLightbox } from "./lightbox.js";
import { perClass } from "./per-class.js";
import { provenance } from "./provenance.js";
import { hasLongNames, placed, readReport } from "./report.js";
import { speed } from "./speed.js";
import { themeButton } from "./theme.js";

async function show(): Promise<void> {
  const report = await readReport();
  const images = placed(report.images);
  const open = createLightbox(report);
  const { scores } = report.result;
  const sections = [
    { name: "Confusion", content: confusion(report, images, open) },
    { name: "Mistakes", content: gallery(report, images, open) },
    { name: "Classes", content: perClass(report) },
    ...(scores === null ? [] : [{ name: "Calibration", content: calibration(scores) }]),
    ...(report.timeline.total === 0 ? [] : [{ name: "Speed", content: speed(report) }]),
    { name: "About", content: provenance(report) },
  ];
  const links = sections.map(({ name, content }) =>
    element("li", {}, element("a", { href: `#${content.id}` }, name)),
  );
  document.body.prepend(
    element("a", { class: "skip", href: "#main" }, "Skip to the report"),
    element(
      "header",
      { class: "top" },
      element("span", { class: "brand" }, "Batchwise"),
      element("nav", { "aria-label": "Sections" }, element("ul", {}, ...links)),
      themeButton(),
    ),
    element(
      "main",
      { id: "main", class: hasLongNames(report) ? "long-names" : undefined },
      headline(report),
      ...sections.map(({ content }) => content),
    ),
    element("footer", {}, `Made by Batchwise. This file holds all that it shows and loads nothing.`),
  );
}

show().catch((error: unknown) => {
  const text = `This report could not be shown; it needs a browser of 2024 or newer. ${error}`;
  document.body.prepend(element("p", { class: "warning", role: "alert" }, text));
});
