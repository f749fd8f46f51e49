/** One image, large, with all its probabilities; the arrow keys lead to its neighbours. */
import { fact } from "./card.js";
import { element } from "./dom.js";
import { picture } from "./picture.js";
import { probabilityBars } from "./probability-bars.js";
import type { PlacedImage, Report } from "./report.js";
import { count } from "./words.js";

/** Opens on the image at `start` of `images`. */
export type OpenLightbox = (images: readonly PlacedImage[], start: number) => void;

export function createLightbox(report: Report): OpenLightbox {
  const content = element("div", { class: "lightbox-content", "aria-live": "polite" });
  const [previous, next, close] = [button("← Previous"), button("Next →"), button("Close")];
  const dialog = element(
    "dialog",
    { class: "lightbox", "aria-label": "Image, enlarged" },
    content,
    element("div", { class: "lightbox-buttons" }, previous, next, close),
  );
  document.body.append(dialog);
  let images: readonly PlacedImage[] = [];
  let at = 0;

  function show(index: number): void {
    if (index < 0 || index >= images.length) return;
    at = index;
    content.replaceChildren(...details(report, images[at], `${count(at + 1)} of ${count(images.length)}`));
    previous.setAttribute("aria-disabled", String(at === 0));
    next.setAttribute("aria-disabled", String(at === images.length - 1));
  }

  previous.addEventListener("click", () => show(at - 1));
  next.addEventListener("click", () => show(at + 1));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({ target }) => {
    // The backdrop is the dialog's own.
    if (target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", ({ key }) => {
    if (key === "ArrowLeft") show(at - 1);
    if (key === "ArrowRight") show(at + 1);
  });
  return (given, start) => {
    images = given;
    show(start);
    dialog.showModal();
  };
}

function details(report: Report, image: PlacedImage, place: string): Node[] {
  const { label, prediction } = image;
  return [
    picture(report, image),
    element(
      "div",
      { class: "facts" },
      element("h2", {}, `Image ${count(image.index)}`),
      element(
        "p",
        { class: "verdict" },
        fact("label", report.nameOf(label), "right"),
        fact("predicted", report.nameOf(prediction), label === prediction ? "right" : "wrong"),
      ),
      probabilityBars(report, image, image.probabilities.length),
      element("p", { class: "index" }, place),
    ),
  ];
}

function button(text: string): HTMLButtonElement {
  return element("button", { type: "button", class: "button" }, text);
}
