/** Reads a PNG file of any kind as shades of grey, where transparent pixels show white paper; writes grey ones. */

import { crc32, inflateSync } from "node:zlib";
import { convertIndexedToRgb, type DecodedPng, decode, encode } from "fast-png";
import type { ImageShape } from "#src/base/contracts/dataset.js";
import { PictureError, reasonOf } from "#src/base/errors.js";
import { codeOf } from "#src/base/realm.js";
import { readWholeFile } from "#src/files/read-file.js";
import type { GreyPicture } from "./to-digit.js";

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

/** Encodes an image as an 8-bit grey PNG, with white ink on black as in the data. */
export function encodeGreyPng(pixels: Uint8Array, { rows, columns }: ImageShape): Uint8Array {
  // A copy: the checksums of the encoder do not take shared memory.
  return encode({ width: columns, height: rows, data: Uint8Array.from(pixels), depth: 8, channels: 1 });
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
    const shade = unit * colours.reduce((sum, share, n) => sum + share * data[at + n]!, 0);
    const cover = hasAlpha ? (unit * data[at + colours.length]!) / WHITE : 1;
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
    const byte = data[Math.floor(pixel / width) * rowBytes + (bit >> 3)]!;
    samples[pixel] = (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  }
  return { data: samples, depth };
}

const SIGNATURE = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Length and type before a chunk's data, a checksum behind. */
const [LEAD_BYTES, CHECKSUM_BYTES] = [8, 4];
const HEADER_BYTES = 13;
/** Samples a pixel, by colour type. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };
const PALETTE_COLOURS = 3;
/** Adam7: where each pass begins, and its steps: x, y, x step, y step. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
  /** With its length, type and checksum. */
  readonly whole: Buffer;
}

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits a pixel. */
  readonly depth: number;
  readonly hasPalette: boolean;
  readonly isInterlaced: boolean;
}

/** @throws Error in words, as all functions here */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  const [header] = chunksOf(bytes);
  if (header?.type !== "IHDR" || header.data.length !== HEADER_BYTES) throw new Error("it has no header");
  const { data } = header;
  const channels = CHANNELS[data[9]!];
  if (channels === undefined) throw new Error(`its colour type is ${data[9]}`);
  const [width, height] = [data.readUInt32BE(0), data.readUInt32BE(4)];
  if (width === 0 || height === 0) throw new Error("it has no pixels");
  return {
    width,
    height,
    depth: data[8]! * channels,
    hasPalette: data[9] === PALETTE_COLOURS,
    isInterlaced: data[12] === 1,
  };
}

/**
 * A file of the same pixels with nothing else in it: profiles and texts, which may be bombs, are left out. Its image data
 * unpack to just what the header says.
 */
export function essentialPng(bytes: Uint8Array, header: PngHeader): Uint8Array {
  const chunks = [...chunksOf(bytes)];
  if (chunks.at(-1)?.type !== "IEND") throw new Error("its end is missing");
  const only = (type: string) => {
    const found = chunks.filter((chunk) => chunk.type === type);
    if (found.length > 1) throw new Error(`it has ${found.length} chunks ${type}`);
    return found;
  };
  const images = chunks.filter(({ type }) => type === "IDAT");
  assertUnpacks(Buffer.concat(images.map(({ data }) => data)), rowsBytes(header));
  // In other pictures a palette is a hint for poor screens.
  const palette = header.hasPalette ? [...only("PLTE"), ...only("tRNS")] : [];
  const hasColours = palette[0]?.type === "PLTE" && palette[0].data.length > 0;
  if (header.hasPalette && !hasColours) throw new Error("its palette is missing");
  const kept = [...only("IHDR"), ...palette, ...images, ...only("IEND")];
  return Buffer.concat([SIGNATURE, ...kept.map(({ whole }) => whole)]);
}

/** Up to IEND, or to where the file ends within one. */
function* chunksOf(bytes: Uint8Array): Generator<Chunk> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!file.subarray(0, SIGNATURE.length).equals(SIGNATURE)) {
    throw new Error("it does not begin as PNG files do");
  }
  for (let at = SIGNATURE.length; at + LEAD_BYTES + CHECKSUM_BYTES <= file.length; ) {
    const checksumAt = at + LEAD_BYTES + file.readUInt32BE(at);
    if (checksumAt + CHECKSUM_BYTES > file.length) return;
    const whole = file.subarray(at, checksumAt + CHECKSUM_BYTES);
    if (crc32(file.subarray(at + 4, checksumAt)) !== file.readUInt32BE(checksumAt)) {
      throw new Error("a chunk of it fails its CRC-32");
    }
    const type = file.toString("latin1", at + 4, at + LEAD_BYTES);
    yield { type, data: file.subarray(at + LEAD_BYTES, checksumAt), whole };
    if (type === "IEND") return;
    at += whole.length;
  }
}

/** Bytes of all rows, each with the type of its filter before it. */
function rowsBytes({ width, height, depth, isInterlaced }: PngHeader): number {
  if (!isInterlaced) return height * (1 + Math.ceil((width * depth) / 8));
  return PASSES.reduce((sum, [x, y, xStep, yStep]) => {
    const [columns, rows] = [Math.ceil((width - x) / xStep), Math.ceil((height - y) / yStep)];
    return columns > 0 && rows > 0 ? sum + rows * (1 + Math.ceil((columns * depth) / 8)) : sum;
  }, 0);
}

function assertUnpacks(packed: Buffer, expectedBytes: number): void {
  let foundBytes: number;
  try {
    foundBytes = inflateSync(packed, { maxOutputLength: expectedBytes }).length;
  } catch (cause) {
    const isLonger = codeOf(cause) === "ERR_BUFFER_TOO_LARGE";
    throw isLonger ? new Error("it holds more pixels than its header says", { cause }) : cause;
  }
  if (foundBytes < expectedBytes) throw new Error("it holds fewer pixels than its header says");
}
