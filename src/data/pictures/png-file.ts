/** A PNG file as its standard defines it (W3C, 3rd edition): chunks, and what they hold. @throws Error in words, all functions */

import { crc32 } from "node:zlib";

const SIGNATURE = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Length and type before a chunk's data, a checksum behind. */
const [LEAD_BYTES, CHECKSUM_BYTES] = [8, 4];
const HEADER_BYTES = 13;
/** Encoders write chunks of 8 KiB or more. */
const MAX_CHUNKS = 100_000;
export const [GREY, COLOURS, PALETTE, GREY_ALPHA, COLOURS_ALPHA] = [0, 2, 3, 4, 6] as const;
/** Samples a pixel, and the allowed bits a sample, by colour type. */
const COLOUR_TYPES: ReadonlyMap<number, { readonly channels: number; readonly depths: readonly number[] }> =
  new Map([
    [GREY, { channels: 1, depths: [1, 2, 4, 8, 16] }],
    [COLOURS, { channels: 3, depths: [8, 16] }],
    [PALETTE, { channels: 1, depths: [1, 2, 4, 8] }],
    [GREY_ALPHA, { channels: 2, depths: [8, 16] }],
    [COLOURS_ALPHA, { channels: 4, depths: [8, 16] }],
  ]);

/** A picture whose every pixel is in one of these, each with rows of its own; Adam7 has seven. */
interface Pass {
  /** First column and row, and the steps to the next. */
  readonly x: number;
  readonly y: number;
  readonly xStep: number;
  readonly yStep: number;
}
const WHOLE: readonly Pass[] = [{ x: 0, y: 0, xStep: 1, yStep: 1 }];
const ADAM7: readonly Pass[] = [
  { x: 0, y: 0, xStep: 8, yStep: 8 },
  { x: 4, y: 0, xStep: 8, yStep: 8 },
  { x: 0, y: 4, xStep: 4, yStep: 8 },
  { x: 2, y: 0, xStep: 4, yStep: 4 },
  { x: 0, y: 2, xStep: 2, yStep: 4 },
  { x: 1, y: 0, xStep: 2, yStep: 2 },
  { x: 0, y: 1, xStep: 1, yStep: 2 },
];

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits a sample. */
  readonly depth: number;
  readonly colourType: number;
  /** Samples a pixel. */
  readonly channels: number;
  readonly passes: readonly Pass[];
}

/** What counts for the pixels; profiles, texts and frames of animations are left out. */
export interface PngFile {
  readonly header: PngHeader;
  /** Data of PLTE where the pixels are indices into it; elsewhere it is a hint for poor screens. */
  readonly palette: Buffer | undefined;
  /** Data of tRNS: a palette's opacities, or the one shade or colour that is transparent. */
  readonly transparency: Buffer | undefined;
  /** The zlib stream of the pixels. */
  readonly packed: Buffer;
}

/** Reads the header, which is the first chunk. */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  const [header] = chunksOf(bytes);
  if (header?.type !== "IHDR" || header.data.length !== HEADER_BYTES) throw new Error("it has no header");
  const { data } = header;
  const [depth, type, compression, filter, interlace] = [data[8]!, data[9]!, data[10], data[11], data[12]!];
  const colours = COLOUR_TYPES.get(type);
  if (colours === undefined) throw new Error(`its colour type is ${type}`);
  if (!colours.depths.includes(depth)) throw new Error(`it has ${depth} bits a sample`);
  if (compression !== 0 || filter !== 0 || interlace > 1) throw new Error("its methods are unknown");
  const [width, height] = [data.readUInt32BE(0), data.readUInt32BE(4)];
  if (width === 0 || height === 0) throw new Error("it has no pixels");
  const { channels } = colours;
  return { width, height, depth, colourType: type, channels, passes: interlace === 1 ? ADAM7 : WHOLE };
}

/** Finds the chunks of the pixels. Checks every checksum. */
export function readPngFile(bytes: Uint8Array): PngFile {
  const header = readPngHeader(bytes);
  const once = new Map<string, Buffer>();
  const counted = header.colourType === PALETTE ? ["IHDR", "PLTE", "tRNS"] : ["IHDR", "tRNS"];
  let packed: Buffer = Buffer.alloc(0);
  let packedBytes = 0;
  let last = "";
  for (const { type, data } of chunksOf(bytes)) {
    last = type;
    if (counted.includes(type)) {
      if (once.has(type)) throw new Error(`it has two chunks ${type}`);
      once.set(type, data);
    } else if (type === "IDAT" && packedBytes === 0) {
      packed = data;
      packedBytes = data.length;
    } else if (type === "IDAT") {
      // The pieces of all chunks together are shorter than the file.
      if (packedBytes === packed.length) packed = grown(packed, bytes.length);
      packed.set(data, packedBytes);
      packedBytes += data.length;
    }
  }
  if (last !== "IEND") throw new Error("its end is missing");
  const palette = once.get("PLTE");
  if (header.colourType === PALETTE && !palette?.length) throw new Error("its palette is missing");
  return { header, palette, transparency: once.get("tRNS"), packed: packed.subarray(0, packedBytes) };
}

function grown(bytes: Buffer, length: number): Buffer {
  const longer = Buffer.alloc(length);
  longer.set(bytes);
  return longer;
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/** Up to IEND, or to where the file ends within one. */
function* chunksOf(bytes: Uint8Array): Generator<Chunk> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!file.subarray(0, SIGNATURE.length).equals(SIGNATURE)) {
    throw new Error("it does not begin as PNG files do");
  }
  let chunks = 0;
  for (let at = SIGNATURE.length; at + LEAD_BYTES + CHECKSUM_BYTES <= file.length; ) {
    const checksumAt = at + LEAD_BYTES + file.readUInt32BE(at);
    if (checksumAt + CHECKSUM_BYTES > file.length) return;
    if (crc32(file.subarray(at + 4, checksumAt)) !== file.readUInt32BE(checksumAt)) {
      throw new Error("a chunk of it fails its CRC-32");
    }
    if (++chunks > MAX_CHUNKS) throw new Error(`it has more than ${MAX_CHUNKS} chunks`);
    const type = file.toString("latin1", at + 4, at + LEAD_BYTES);
    yield { type, data: file.subarray(at + LEAD_BYTES, checksumAt) };
    if (type === "IEND") return;
    at = checksumAt + CHECKSUM_BYTES;
  }
}

/** Whether all colours of a palette are grey. */
export function isGreyPalette(palette: Buffer = Buffer.of()): boolean {
  for (let at = 0; at + 2 < palette.length; at += 3) {
    if (palette[at] !== palette[at + 1] || palette[at] !== palette[at + 2]) return false;
  }
  return true;
}
