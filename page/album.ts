/** The images of a page: where their pixels are, and what is told of each; which page it is, cards and lightbox do not know. */

import type { ImageShape } from "../src/base/contracts/dataset.js";
import {
  type AnyPageData,
  DATA_ID,
  type PageData,
  type PageImage,
  PIXELS_ID,
} from "../src/reports/html/page-data.js";
import { element } from "./dom.js";

export interface Placed {
  /** Within the data set. */
  readonly index: number;
  /** Position of its pixels within the page. */
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

// Reads what the page shows from its own document.

/** Beside the data, on every page. */
export interface Shown {
  /** Grey of each pixel, row-major; `position` is the image's in `images`. */
  pixelsOf(position: number): Uint8Array;
  nameOf(label: number): string;
}

export async function readPage(): Promise<AnyPageData & Shown> {
  const data = JSON.parse(textOf(DATA_ID)) as AnyPageData;
  const pixels = await inflate(textOf(PIXELS_ID));
  const size = data.shape.rows * data.shape.columns;
  return {
    ...data,
    pixelsOf: (position) => pixels.subarray(position * size, (position + 1) * size),
    nameOf: (label) => data.classNames[label],
  };
}

/** Names that do not fit where a digit does. */
export function hasLongNames({ classNames }: Pick<AnyPageData, "classNames">): boolean {
  return classNames.some(({ length }) => length > 3);
}

function textOf(id: string): string {
  return document.getElementById(id)?.textContent ?? "";
}

async function inflate(base64: string): Promise<Uint8Array> {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const inflated = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(inflated).arrayBuffer());
}

// One image of the data, drawn pixel for pixel; the style sheet enlarges it without smoothing.

export function picture<Image extends Placed>(album: Album<Image>, image: Image): HTMLCanvasElement {
  const { rows, columns } = album.shape;
  const description = album.describe(image);
  const canvas = element("canvas", {
    width: columns,
    height: rows,
    role: "img",
    "aria-label": description,
    title: description,
  });
  const context = canvas.getContext("2d");
  if (context === null) return canvas;
  const painted = context.createImageData(columns, rows);
  for (const [n, grey] of album.pixelsOf(image.position).entries()) {
    painted.data.set([grey, grey, grey, 255], 4 * n);
  }
  context.putImageData(painted, 0, 0);
  return canvas;
}

// The report as the page has it.

export interface Report extends PageData, Shown {}

export type PlacedImage = PageImage & Placed;

/** The probability of what was predicted. */
export function confidenceOf({ probabilities: [[, probability]] }: PageImage): number {
  return probability;
}
