/** Reads what the page shows from its own document. */
import type { AnyPageData } from "#src/reports/html/any-page-data.js";
import { DATA_ID, PIXELS_ID } from "#src/reports/html/page-data.js";

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
