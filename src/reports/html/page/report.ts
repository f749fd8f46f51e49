/** The report as the page reads it from its own document. */
import { DATA_ID, type PageData, type PageImage, PIXELS_ID } from "../page-data.js";

export interface Report extends PageData {
  /** Grey of each pixel, row-major; `position` is the image's in `images`. */
  pixelsOf(position: number): Uint8Array;
  nameOf(label: number): string;
}

/** An image and where its pixels are. */
export interface PlacedImage extends PageImage {
  readonly position: number;
}

export async function readReport(): Promise<Report> {
  const data = JSON.parse(textOf(DATA_ID)) as PageData;
  const pixels = await inflate(textOf(PIXELS_ID));
  const size = data.shape.rows * data.shape.columns;
  return {
    ...data,
    pixelsOf: (position) => pixels.subarray(position * size, (position + 1) * size),
    nameOf: (label) => data.classNames[label],
  };
}

export function placed(images: readonly PageImage[]): PlacedImage[] {
  return images.map((image, position) => ({ ...image, position }));
}

/** Names that do not fit where a digit does. */
export function hasLongNames({ classNames }: Report): boolean {
  return classNames.some(({ length }) => length > 3);
}

/** The probability of what was predicted. */
export function confidenceOf({ probabilities: [[, probability]] }: PageImage): number {
  return probability;
}

function textOf(id: string): string {
  return document.getElementById(id)?.textContent ?? "";
}

async function inflate(base64: string): Promise<Uint8Array> {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const inflated = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(inflated).arrayBuffer());
}
