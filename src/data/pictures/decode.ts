/**
 * PNG and JPEG pictures as bytes, grey or red, green and blue, as Pillow's `convert("L")` and `convert("RGB")` make them: what a
 * transparent pixel covers is shown, and of 16 bits the higher 8 are taken.
 */

import { BatchwiseError, PictureError, reasonOf } from "#src/base/errors.js";
import { isJpeg, type JpegHeader, readJpegHeader } from "./jpeg.js";
import { isGreyPalette, PALETTE, type PngFile, readPngFile, readPngHeader } from "./png-file.js";
import { readBytesNow, readRows, readRowsNow, rowBytesOf } from "./png-rows.js";
import { MAX_PIXELS, MAX_SIDE } from "./read-png.js";

/** Red, green and blue. */
export const COLOURS = 3;
const OPAQUE = 255;
/** Rows of a PNG that are unpacked in one piece, in about a millisecond. */
const AT_ONCE_BYTES = 2 ** 18;

/** Facts of a picture's headers. */
export interface PictureFacts {
  readonly width: number;
  readonly height: number;
  /** 1 for grey, 3 for colours. */
  readonly channels: number;
  /** Whether pixels may be transparent. */
  readonly hasAlpha: boolean;
}

/** A picture in memory. */
export interface Picture extends Omit<PictureFacts, "hasAlpha"> {
  /** (height × width × channels) u8, row-major. */
  readonly pixels: Uint8Array;
  /** Whether a pixel is transparent, in part or fully. */
  readonly isClear: boolean;
}

/** @throws PictureError ERR_PICTURE_FORMAT, ERR_PICTURE_SIZE */
export function pictureFacts(bytes: Uint8Array, path: string): PictureFacts {
  return explained(path, () =>
    isJpeg(bytes) ? jpegFacts(jpegOf(bytes, path)) : pngFacts(pngOf(bytes, path)),
  );
}

/** Decodes a picture; a small one without a turn of the event loop. @throws PictureError ERR_PICTURE_FORMAT, ERR_PICTURE_SIZE */
export function decodePicture(bytes: Uint8Array, path: string): Picture | Promise<Picture> {
  return explained<Picture | Promise<Picture>>(path, () => {
    if (isJpeg(bytes)) {
      const header = jpegOf(bytes, path);
      if (decodeJpeg !== undefined) return jpegPicture(decodeJpeg, bytes, header);
      return import("./jpeg-decode.js").then((loaded) => {
        decodeJpeg = loaded.decodeJpeg;
        return explained(path, () => jpegPicture(loaded.decodeJpeg, bytes, header));
      });
    }
    const file = pngOf(bytes, path);
    const isLarge = rowBytesOf(file.header) > AT_ONCE_BYTES;
    if (!isLarge && isPlain(file)) {
      const { width, height, channels } = file.header;
      return { width, height, channels, pixels: readBytesNow(file), isClear: false };
    }
    const { take, picture } = pngTarget(file);
    if (isLarge) {
      return readRows(file, take).then(picture, (error) => fail(path, error));
    }
    readRowsNow(file, take);
    return picture();
  });
}

function explained<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    return fail(path, error);
  }
}

function fail(path: string, cause: unknown): never {
  if (cause instanceof BatchwiseError) throw cause;
  throw new PictureError("ERR_PICTURE_FORMAT", { path, reason: reasonOf(cause) }, { cause });
}

/** Before anything is decoded: a few bytes can claim gigabytes of pixels. */
function assertSides(path: string, width: number, height: number): void {
  if (width * height <= MAX_PIXELS && Math.max(width, height) <= MAX_SIDE) return;
  const limits = { limitPixels: MAX_PIXELS, limitSide: MAX_SIDE };
  throw new PictureError("ERR_PICTURE_SIZE", { path, width, height, ...limits });
}

function pngOf(bytes: Uint8Array, path: string): PngFile {
  const { width, height } = readPngHeader(bytes);
  assertSides(path, width, height);
  return readPngFile(bytes);
}

function jpegOf(bytes: Uint8Array, path: string): JpegHeader {
  const header = readJpegHeader(bytes);
  assertSides(path, header.width, header.height);
  return header;
}

function jpegFacts({ width, height, channels }: JpegHeader): PictureFacts {
  return { width, height, channels, hasAlpha: false };
}

type DecodeJpeg = (bytes: Uint8Array, header: JpegHeader) => Uint8Array;
/** Loaded at the first JPEG. */
let decodeJpeg: DecodeJpeg | undefined;

function jpegPicture(decode: DecodeJpeg, bytes: Uint8Array, header: JpegHeader): Picture {
  const { width, height, channels } = header;
  return { width, height, channels, pixels: decode(bytes, header), isClear: false };
}

function pngFacts({ header, palette, transparency }: PngFile): PictureFacts {
  const { width, height, colourType, channels } = header;
  const isGrey = colourType === PALETTE ? isGreyPalette(palette) : channels < COLOURS;
  const hasAlpha = transparency !== undefined || channels === 2 || channels > COLOURS;
  return { width, height, channels: isGrey ? 1 : COLOURS, hasAlpha };
}

/** Whether the bytes of the rows are the picture's pixels. */
function isPlain({ header: { depth, colourType, channels, passes }, transparency }: PngFile): boolean {
  const isOpaque = transparency === undefined && (channels === 1 || channels === COLOURS);
  return depth === 8 && passes.length === 1 && colourType !== PALETTE && isOpaque;
}

/** Takes rows into a picture. */
function pngTarget(file: PngFile): {
  readonly take: Parameters<typeof readRows>[1];
  readonly picture: () => Picture;
} {
  const { header, palette = Buffer.of(), transparency } = file;
  const facts = pngFacts(file);
  const { width, height, channels } = facts;
  const pixels = new Uint8Array(width * height * channels);
  const samplesEach = header.channels;
  const byteOf = scaleOf(header.depth);
  const isIndexed = header.colourType === PALETTE;
  const colours = Math.floor(palette.length / COLOURS);
  const hasAlphaSample = samplesEach === 2 || samplesEach > COLOURS;
  const most = 2 ** header.depth - 1;
  const clear =
    isIndexed || transparency === undefined ? undefined : clearSamples(transparency, channels, most);
  const plain = isPlain(file);
  let isClear = false;
  return {
    take({ x, y, xStep, columns, samples }) {
      if (plain) return pixels.set(samples, y * width * channels);
      let to = (y * width + x) * channels;
      const step = (xStep - 1) * channels;
      for (let column = 0, at = 0; column < columns; column++, at += samplesEach, to += step) {
        if (isIndexed) {
          const index = samples[at]!;
          if (index >= colours) throw new Error(`a pixel of it is colour ${index} of ${colours}`);
          isClear ||= transparency !== undefined && (transparency[index] ?? OPAQUE) < OPAQUE;
          for (let channel = 0; channel < channels; channel++)
            pixels[to++] = palette[index * COLOURS + channel]!;
          continue;
        }
        for (let channel = 0; channel < channels; channel++) pixels[to++] = byteOf(samples[at + channel]!);
        if (hasAlphaSample) isClear ||= samples[at + samplesEach - 1]! < most;
        else if (clear !== undefined) isClear ||= clear.every((value, n) => samples[at + n] === value);
      }
    },
    picture: () => ({ width, height, channels, pixels, isClear }),
  };
}

/** Samples of fewer than 8 bits are spread over 0..255; of 16 bits, the higher 8 count. */
function scaleOf(depth: number): (sample: number) => number {
  if (depth === 16) return (sample) => sample >> 8;
  const unit = OPAQUE / (2 ** depth - 1);
  return depth === 8 ? (sample) => sample : (sample) => sample * unit;
}

/** The one shade or colour that is transparent, 16 bits a sample (section 11.3.1.1). */
function clearSamples(transparency: Buffer, channels: number, most: number): number[] {
  if (transparency.length !== 2 * channels) {
    throw new Error(`its tRNS has ${transparency.length} bytes, not ${2 * channels}`);
  }
  return Array.from({ length: channels }, (_, n) => transparency.readUInt16BE(2 * n) & most);
}
