/** Images of a page: their pixels, their descriptions, and their data. Cards and lightbox work for each kind of page. */

import { type ImageShape, imageBytes } from "../src/base/contracts/dataset.js";
import {
  type AnyPageData,
  DATA_ID,
  type PageData,
  type PageImage,
  PIXELS_ID,
} from "../src/reports/html/page-data.js";
import { element } from "./dom.js";

export interface Placed {
  /** Index within the data set. */
  readonly index: number;
  /** Position of its pixels within the page's block of pixels. */
  readonly position: number;
}

export interface Album<Image extends Placed> extends Pick<Shown, "pixelsOf"> {
  readonly shape: ImageShape;
  /** Description of the image for its label and tooltip. */
  describe(image: Image): string;
  /** Facts beside the picture: the most important ones on a card, all if enlarged. */
  facts(image: Image, where: "card" | "enlarged"): readonly HTMLElement[];
}

export function placed<Image>(images: readonly Image[]): (Image & { readonly position: number })[] {
  return images.map((image, position) => ({ ...image, position }));
}

/** A fact such as `label 3`. It has the colour of correct predictions if `isRight`. */
export function fact(what: string, name: string, isRight: boolean): HTMLElement {
  const tone = isRight ? "right" : "wrong";
  return element("span", { class: "fact" }, `${what} `, element("b", { class: tone, title: name }, name));
}

export function verdict(...facts: readonly HTMLElement[]): HTMLElement {
  return element("p", { class: "verdict" }, ...facts);
}

/** Parts that all pages have besides their data. */
export interface Shown {
  /** (rows × columns × channels) u8, row-major. `position` is the image's index in `images`. */
  pixelsOf(position: number): Uint8Array;
  nameOf(label: number): string;
}

export async function readPage(): Promise<AnyPageData & Shown> {
  const data = JSON.parse(textOf(DATA_ID)) as AnyPageData;
  const pixels = await inflate(textOf(PIXELS_ID));
  const size = imageBytes(data.shape);
  return {
    ...data,
    pixelsOf: (position) => pixels.subarray(position * size, (position + 1) * size),
    nameOf: (label) => data.classNames[label]!,
  };
}

/** Whether a class name has more than three characters and so needs wider columns. */
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

/** Canvas with one image, pixel for pixel. The style sheet enlarges it without smoothing. */
export function picture<Image extends Placed>(album: Album<Image>, image: Image): HTMLCanvasElement {
  const { rows, columns, channels } = album.shape;
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
  const pixels = album.pixelsOf(image.position);
  for (let n = 0; n < rows * columns; n++) {
    const colour = pixels.subarray(n * channels, (n + 1) * channels);
    const [red = 0, green = red, blue = red] = colour;
    painted.data.set([red, green, blue, 255], 4 * n);
  }
  context.putImageData(painted, 0, 0);
  return canvas;
}

/** Data of an evaluation's page, with the parts that all pages have. */
export interface Report extends PageData, Shown {}

export type PlacedImage = PageImage & Placed;

/** Probability of the predicted class. */
export function confidenceOf({ probabilities: [best] }: PageImage): number {
  return best?.[1] ?? 0;
}
