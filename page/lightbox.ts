/** One image, large, with all that is told of it; the arrow keys lead to its neighbours. */
import type { Album, Placed } from "./album.js";
import { element } from "./dom.js";
import { picture } from "./picture.js";
import { count } from "./words.js";

/** Opens on the image at `start` of `images`. */
export type OpenLightbox<Image> = (images: readonly Image[], start: number) => void;

export function createLightbox<Image extends Placed>(album: Album<Image>): OpenLightbox<Image> {
  const content = element("div", { class: "lightbox-content", "aria-live": "polite" });
  const [previous, next, close] = [button("← Previous"), button("Next →"), button("Close")];
  const dialog = element(
    "dialog",
    { class: "lightbox", "aria-label": "Image, enlarged" },
    content,
    element("div", { class: "lightbox-buttons" }, previous, next, close),
  );
  document.body.append(dialog);
  let images: readonly Image[] = [];
  let at = 0;

  function show(index: number): void {
    if (index < 0 || index >= images.length) return;
    at = index;
    content.replaceChildren(...details(album, images[at], `${count(at + 1)} of ${count(images.length)}`));
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

function details<Image extends Placed>(album: Album<Image>, image: Image, place: string): Node[] {
  return [
    picture(album, image),
    element(
      "div",
      { class: "facts" },
      element("h2", {}, `Image ${count(image.index)}`),
      ...album.facts(image, "enlarged"),
      element("p", { class: "index" }, place),
    ),
  ];
}

function button(text: string): HTMLButtonElement {
  return element("button", { type: "button", class: "button" }, text);
}
