/** A list of cards that grows a page at a time, so that two thousand images open as fast as two. */
import { card } from "./card.js";
import { element } from "./dom.js";
import type { OpenLightbox } from "./lightbox.js";
import type { PlacedImage, Report } from "./report.js";
import { count } from "./words.js";

export interface CardList {
  readonly root: HTMLElement;
  show(images: readonly PlacedImage[]): void;
}

export function createCardList(report: Report, open: OpenLightbox, pageSize: number): CardList {
  const list = element("ul", { class: "cards" });
  const more = element("button", { type: "button", class: "button more" });
  let images: readonly PlacedImage[] = [];

  function grow(): HTMLLIElement[] {
    const start = list.childElementCount;
    const added = images
      .slice(start, start + pageSize)
      .map((image, n) => card(report, image, () => open(images, start + n)));
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
