/** The images of a page: where their pixels are, and what is told of each; which page it is, cards and lightbox do not know. */
import type { ImageShape } from "#src/base/contracts/dataset.js";
import { element } from "./dom.js";
import type { Shown } from "./read-page.js";

export interface Placed {
  /** Within the data set. */
  readonly index: number;
  /** Of its pixels, within the page. */
  readonly position: number;
}

export interface Album<Image extends Placed> extends Pick<Shown, "pixelsOf"> {
  readonly shape: ImageShape;
  /** What is to be known of the image, in words. */
  describe(image: Image): string;
  /** What stands beside the picture: on a card the most important, enlarged all. */
  facts(image: Image, where: "card" | "enlarged"): readonly HTMLElement[];
}

export function placed<Image>(images: readonly Image[]): (Image & { readonly position: number })[] {
  return images.map((image, position) => ({ ...image, position }));
}

/** `right` where the name is the label's. */
export function fact(what: string, name: string, isRight: boolean): HTMLElement {
  const tone = isRight ? "right" : "wrong";
  return element("span", { class: "fact" }, `${what} `, element("b", { class: tone, title: name }, name));
}

export function verdict(...facts: readonly HTMLElement[]): HTMLElement {
  return element("p", { class: "verdict" }, ...facts);
}
