/** Facts that tables and arrays of pixels may not state: the size of an image, its colours, the value of white. */

import type { Assumption } from "#src/base/assumptions.js";
import { type ImageShape, imageBytes } from "#src/base/contracts/dataset.js";
import { DatasetError, UsageError } from "#src/base/errors.js";

/** Furthest that a number between 0 and 1 may be from a byte ÷ 255, and one between 0 and 255 from a byte. */
const TOLERANCE = 1e-3;
const COLOURS = 3;
const WHITE = 255;
/** `28x28`, `32x32x3` or `3x32x32`. */
const SHAPE = /^(\d{1,5})x(\d{1,5})(?:x(\d{1,5}))?$/;

/** How the pixels of a row lie. */
export interface ImageLayout {
  readonly shape: ImageShape;
  /** Whether all red bytes of an image come before all green ones. */
  readonly isChannelsFirst: boolean;
  readonly assumptions: readonly Assumption[];
}

export interface ImageLayoutRequest {
  readonly path: string;
  /** Name of the file, for assumptions. */
  readonly source: string;
  /** Pixels of a row. */
  readonly inputs: number;
  /** Size that the file states. */
  readonly stated?: string | undefined;
  /** Value of --image-shape. */
  readonly given: string | undefined;
}

/** Whether as many pixels make a square image of one channel or of three. */
export function isSquare(inputs: number): boolean {
  return [1, COLOURS].some((channels) => inputs > channels && Number.isInteger(Math.sqrt(inputs / channels)));
}

/**
 * The layout of images in rows of `inputs` pixels: as an option or the file states, or square.
 *
 * @throws UsageError ERR_OPTION_VALUE; DatasetError ERR_DATASET_FORMAT where the size is neither stated nor square
 */
export function imageLayout({ path, source, inputs, stated, given }: ImageLayoutRequest): ImageLayout {
  const option = given === undefined ? undefined : parsedShape(given);
  if (option !== undefined) {
    const { rows, columns, channels } = option.shape;
    if (rows * columns * channels === inputs) return { ...option, assumptions: [] };
    throw optionFault(`${inputs} pixels, as each image of ${source} has`, `${given}`);
  }
  const known = stated === undefined ? undefined : parsedShape(stated);
  if (known !== undefined && imageBytes(known.shape) === inputs) return { ...known, assumptions: [] };
  for (const channels of [1, COLOURS]) {
    const side = Math.sqrt(inputs / channels);
    if (!Number.isInteger(side) || inputs <= channels) continue;
    const colours = channels === 1 ? "" : ", the three colours of a pixel side by side";
    const what = `images of ${side} × ${side} pixels${colours}`;
    return {
      shape: { rows: side, columns: side, channels },
      isChannelsFirst: false,
      assumptions: [{ subject: "pictures", what, source, option: "--image-shape" }],
    };
  }
  throw new DatasetError("ERR_DATASET_FORMAT", {
    path,
    expected: "the pixels of a square image in each row",
    found: `${inputs}`,
    next: "set --image-shape ROWSxCOLUMNS, or --label-column if another column is the label",
  });
}

function parsedShape(text: string): Omit<ImageLayout, "assumptions"> {
  const [a, b, c] = (SHAPE.exec(text) ?? [])
    .slice(1)
    .flatMap((size) => (size === undefined ? [] : [Number(size)]));
  if (a && b && c === undefined)
    return { shape: { rows: a, columns: b, channels: 1 }, isChannelsFirst: false };
  if (a && b && c && (c === 1 || c === COLOURS)) {
    return { shape: { rows: a, columns: b, channels: c }, isChannelsFirst: false };
  }
  if (b && c && (a === 1 || a === COLOURS)) {
    return { shape: { rows: b, columns: c, channels: a }, isChannelsFirst: a !== 1 };
  }
  throw optionFault("rows x columns, such as 28x28, 32x32x3 or 3x32x32", text);
}

function optionFault(expected: string, found: string): UsageError {
  return new UsageError("ERR_OPTION_VALUE", { option: "--image-shape", expected, found });
}

/**
 * The pixel value of white, by the first pixels. Numbers up to 1 may be dark bytes or parts of 1, which is an assumption.
 *
 * @param given value of --pixel-max
 */
export function pixelMaxOf(
  first: ArrayLike<number>,
  source: string,
  given: string | undefined,
): { readonly pixelMax: number; readonly assumptions: readonly Assumption[] } {
  if (given !== undefined) return { pixelMax: Number(given), assumptions: [] };
  let most = 0;
  for (let n = 0; n < first.length; n++) if (first[n]! > most) most = first[n]!;
  if (most === 0 || most > 1) return { pixelMax: WHITE, assumptions: [] };
  const what = "pixels from 0 to 1 as bytes ÷ 255";
  return { pixelMax: 1, assumptions: [{ subject: "pixels", what, source, option: "--pixel-max" }] };
}

/** The byte of a pixel's value; −1 where it is further than the tolerance from one. */
export function toPixel(value: number, pixelMax: number): number {
  const pixel = Math.round((value * WHITE) / pixelMax);
  const isPixel = pixel >= 0 && pixel <= WHITE && Math.abs(value - (pixel * pixelMax) / WHITE) <= TOLERANCE;
  return isPixel ? pixel : -1;
}

/** out (pixels, colours) from `at` on = x (colours, pixels). */
export function channelsLast(x: Uint8Array, out: Uint8Array, at: number): void {
  const end = at + x.length;
  for (let colour = 0, from = 0; colour < COLOURS; colour++) {
    for (let to = at + colour; to < end; to += COLOURS) out[to] = x[from++]!;
  }
}
