/** Reads a PNG file of any kind as shades of grey, where transparent pixels show white paper; writes grey and RGB ones. */

import { encode } from "fast-png";
import type { ImageShape } from "#src/base/contracts/dataset.js";
import { BatchwiseError, PictureError, reasonOf } from "#src/base/errors.js";
import { readWholeFile } from "#src/files/read-file.js";
import { PALETTE, type PngFile, readPngFile, readPngHeader } from "./png-file.js";
import { readRows } from "./png-rows.js";
import { type GreyPicture, WHITE } from "./to-digit.js";

export const MAX_PICTURE_BYTES = 64 * 2 ** 20;
export const MAX_PIXELS = 2 ** 24;
/** Most pixels of one side, as in a JPEG. Each row takes time, however short it is. */
export const MAX_SIDE = 2 ** 16 - 1;
/** Luma of red, green and blue (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114] as const;

/** @throws FileError, or PictureError ERR_PICTURE_FORMAT, ERR_PICTURE_SIZE */
export async function readPng(path: string): Promise<GreyPicture> {
  return greyOfPng(await readWholeFile(path, MAX_PICTURE_BYTES), path);
}

/** @throws PictureError ERR_PICTURE_FORMAT, ERR_PICTURE_SIZE */
export async function greyOfPng(bytes: Uint8Array, path: string): Promise<GreyPicture> {
  try {
    const { width, height } = readPngHeader(bytes);
    // Before anything is decoded: a few bytes of PNG can claim gigabytes of pixels.
    if (width * height > MAX_PIXELS || Math.max(width, height) > MAX_SIDE) {
      const limits = { limitPixels: MAX_PIXELS, limitSide: MAX_SIDE };
      throw new PictureError("ERR_PICTURE_SIZE", { path, width, height, ...limits });
    }
    return await toGrey(readPngFile(bytes));
  } catch (cause) {
    if (cause instanceof BatchwiseError) throw cause;
    throw new PictureError("ERR_PICTURE_FORMAT", { path, reason: reasonOf(cause) }, { cause });
  }
}

/** Encodes an image as a PNG of 8 bits per channel, grey or RGB; grey ink is white on black, as in the data. */
export function encodePng(pixels: Uint8Array, { rows, columns, channels }: ImageShape): Uint8Array {
  // A copy: the checksums of the encoder do not take shared memory.
  return encode({ width: columns, height: rows, data: Uint8Array.from(pixels), depth: 8, channels });
}

async function toGrey(file: PngFile): Promise<GreyPicture> {
  const { width, height, channels } = file.header;
  const greyAt = file.header.colourType === PALETTE ? greyOfPalette(file) : greyOfSamples(file);
  const shades = new Uint8Array(width * height);
  await readRows(file, ({ x, y, xStep, columns, samples }) => {
    let to = y * width + x;
    for (let column = 0; column < columns; column++, to += xStep) {
      shades[to] = Math.round(greyAt(samples, column * channels));
    }
  });
  return { width, height, shades };
}

/** Shade 0..WHITE of the pixel whose samples begin at `at`. */
type GreyAt = (samples: Uint16Array, at: number) => number;

/** A shade of ink or paper that covers white paper by `cover`, 0..1. */
const onPaper = (shade: number, cover: number) => WHITE + cover * (shade - WHITE);

function greyOfSamples({ header: { depth, channels }, transparency }: PngFile): GreyAt {
  const unit = WHITE / (2 ** depth - 1);
  const hasColours = channels >= LUMA.length;
  const colours = hasColours ? LUMA.length : 1;
  const [red, green, blue] = LUMA;
  const shadeAt: GreyAt = hasColours
    ? (samples, at) => unit * (red * samples[at]! + green * samples[at + 1]! + blue * samples[at + 2]!)
    : (samples, at) => unit * samples[at]!;
  if (channels > colours) {
    return (samples, at) => onPaper(shadeAt(samples, at), (unit * samples[at + colours]!) / WHITE);
  }
  if (transparency === undefined) return shadeAt;
  const clear = clearSamples(transparency, colours, depth);
  return (samples, at) =>
    clear.every((value, n) => samples[at + n] === value) ? WHITE : shadeAt(samples, at);
}

/** The one shade or colour that is transparent: 16 bits a sample, of which the low `depth` count (section 11.3.1.1). */
function clearSamples(transparency: Buffer, colours: number, depth: number): number[] {
  if (transparency.length !== 2 * colours) {
    throw new Error(`its tRNS has ${transparency.length} bytes, not ${2 * colours}`);
  }
  return Array.from({ length: colours }, (_, n) => transparency.readUInt16BE(2 * n) & (2 ** depth - 1));
}

function greyOfPalette({ palette = Buffer.of(), transparency = Buffer.of() }: PngFile): GreyAt {
  const [red, green, blue] = LUMA;
  const shades = Array.from({ length: Math.floor(palette.length / LUMA.length) }, (_, n) => {
    const at = n * LUMA.length;
    const shade = red * palette[at]! + green * palette[at + 1]! + blue * palette[at + 2]!;
    return onPaper(shade, (transparency[n] ?? WHITE) / WHITE);
  });
  return (samples, at) => {
    const shade = shades[samples[at]!];
    if (shade === undefined) throw new Error(`a pixel of it is colour ${samples[at]} of ${shades.length}`);
    return shade;
  };
}
