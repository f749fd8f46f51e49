/** Reads a PNG file of any kind as shades of grey; what is transparent shows white paper. */
import { convertIndexedToRgb, type DecodedPng, decode } from "fast-png";
import { PictureError, reasonOf } from "#src/base/errors.js";
import { readWholeFile } from "#src/files/read-file.js";
import type { GreyPicture } from "./grey.js";
import { essentialPng, readPngHeader } from "./png-chunks.js";

const MAX_FILE_BYTES = 64 * 2 ** 20;
export const MAX_PIXELS = 2 ** 24;
const WHITE = 255;
/** Luma of red, green and blue (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114];

/** @throws FileError, or PictureError ERR_PICTURE_FORMAT, ERR_PICTURE_SIZE */
export async function readPng(path: string): Promise<GreyPicture> {
  const bytes = await readWholeFile(path, MAX_FILE_BYTES);
  try {
    const header = readPngHeader(bytes);
    const { width, height } = header;
    // Before anything is decoded: a few bytes of PNG can claim gigabytes of pixels.
    if (width * height > MAX_PIXELS) {
      throw new PictureError("ERR_PICTURE_SIZE", { path, width, height, limitPixels: MAX_PIXELS });
    }
    return toGrey(decode(essentialPng(bytes, header)));
  } catch (cause) {
    if (cause instanceof PictureError) throw cause;
    throw new PictureError("ERR_PICTURE_FORMAT", { path, reason: reasonOf(cause) }, { cause });
  }
}

function toGrey(png: DecodedPng): GreyPicture {
  const { width, height } = png;
  const { data, depth } = samplesOf(png);
  const channels = data.length / (width * height);
  const unit = WHITE / (2 ** depth - 1);
  const colours = channels >= LUMA.length ? LUMA : [1];
  const hasAlpha = channels > colours.length;
  const values = new Float32Array(width * height);
  for (let pixel = 0; pixel < values.length; pixel++) {
    const at = pixel * channels;
    const shade = unit * colours.reduce((sum, share, n) => sum + share * data[at + n], 0);
    const cover = hasAlpha ? (unit * data[at + colours.length]) / WHITE : 1;
    values[pixel] = WHITE + cover * (shade - WHITE);
  }
  return { width, height, values };
}

/** One array element a sample: palettes looked up, and shades of fewer than 8 bits, which PNG packs, unpacked. */
function samplesOf(png: DecodedPng): Pick<DecodedPng, "data" | "depth"> {
  if (png.palette !== undefined) return { data: convertIndexedToRgb(png), depth: 8 };
  const { width, height, data, depth } = png;
  if (depth >= 8) return { data, depth };
  const rowBytes = Math.ceil((width * depth) / 8);
  const samples = new Uint8Array(width * height);
  for (let pixel = 0; pixel < samples.length; pixel++) {
    const bit = (pixel % width) * depth;
    const byte = data[Math.floor(pixel / width) * rowBytes + (bit >> 3)];
    samples[pixel] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  }
  return { data: samples, depth };
}
