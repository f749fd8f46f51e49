/** Lists of image cards, one page at a time, and the lightbox. 2,000 images open as fast as two. */

import { type Album, type Placed, picture } from "./album.js";
import { count, element } from "./dom.js";

export interface CardList<Image> {
  readonly root: HTMLElement;
  show(images: readonly Image[]): void;
}

export type NewCardList<Image> = (pageSize: number) => CardList<Image>;

/** Creates lists of cards. All lists of a page share one lightbox. */
export function cardLists<Image extends Placed>(album: Album<Image>): NewCardList<Image> {
  const open = createLightbox(album);
  return (pageSize) => createCardList(album, open, pageSize);
}

function createCardList<Image extends Placed>(
  album: Album<Image>,
  open: OpenLightbox<Image>,
  pageSize: number,
): CardList<Image> {
  const list = element("ul", { class: "cards" });
  const more = element("button", { type: "button", class: "button more" });
  let images: readonly Image[] = [];

  function grow(): HTMLLIElement[] {
    const start = list.childElementCount;
    const added = images
      .slice(start, start + pageSize)
      .map((image, n) => card(album, image, () => open(images, start + n)));
    list.append(...added);
    const left = images.length - start - added.length;
    more.hidden = left === 0;
    more.textContent = `Show ${count(Math.min(left, pageSize))} more of ${count(left)}`;
    return added;
  }

  more.addEventListener("click", () => {
    // The button may be hidden now, so the focus moves to the first new card.
    grow()[0]?.querySelector("button")?.focus();
  });
  return {
    root: element("div", { class: "card-list" }, list, more),
    show(given) {
      images = given;
      list.replaceChildren();
      grow();
    },
  };
}

/** A card: the picture, which opens the lightbox, and its facts. */
export function card<Image extends Placed>(
  album: Album<Image>,
  image: Image,
  enlarge: () => void,
): HTMLLIElement {
  const button = element("button", { type: "button", class: "enlarge" }, picture(album, image));
  button.setAttribute("aria-label", `${album.describe(image)}. Enlarge`);
  button.addEventListener("click", enlarge);
  return element(
    "li",
    { class: "card" },
    button,
    element(
      "div",
      { class: "facts" },
      ...album.facts(image, "card"),
      element("p", { class: "index" }, `image ${count(image.index)}`),
    ),
  );
}

/** Opens the lightbox with image `start` of `images`. */
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
    content.replaceChildren(...details(album, images[at]!, `${count(at + 1)} of ${count(images.length)}`));
    previous.setAttribute("aria-disabled", String(at === 0));
    next.setAttribute("aria-disabled", String(at === images.length - 1));
  }

  previous.addEventListener("click", () => show(at - 1));
  next.addEventListener("click", () => show(at + 1));
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({ target }) => {
    // A click on the backdrop has the dialog as its target.
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
