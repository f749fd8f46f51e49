/** A list of cards that grows a page at a time, so that two thousand images open as fast as two. */
import type { Album, Placed } from "./album.js";
import { card } from "./card.js";
import { element } from "./dom.js";
import { createLightbox, type OpenLightbox } from "./lightbox.js";
import { count } from "./words.js";

export interface CardList<Image> {
  readonly root: HTMLElement;
  show(images: readonly Image[]): void;
}

export type NewCardList<Image> = (pageSize: number) => CardList<Image>;

/** All lists of a page enlarge their images in one lightbox. */
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
    // The button may be gone now: the keyboard goes on at the first card that it brought.
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
