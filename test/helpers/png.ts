/** Writes PNG files for tests, right ones and wrong ones, by the standard (W3C, 3rd edition) and not by the code under test. */
import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depth?: number;
  /** 0 grey, 2 colours, 3 palette, 4 grey with alpha, 6 colours with alpha. */
  readonly colourType?: number;
  readonly isInterlaced?: boolean;
}

/** Columns and rows of each pass of an interlaced picture of 8 × 8 (Adam7). */
export const ADAM7_PASSES = [
  [1, 1],
  [1, 1],
  [2, 1],
  [2, 2],
  [4, 2],
  [4, 4],
  [8, 4],
] as const;

/** Length, type, data, checksum; the checksum is right. */
export function pngChunk(type: string, data: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const chunk = Buffer.alloc(typed.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  chunk.set(typed, 4);
  chunk.writeUInt32BE(crc32(typed), 4 + typed.length);
  return chunk;
}

export function pngHeader({
  width,
  height,
  depth = 8,
  colourType = 0,
  isInterlaced = false,
}: PngHeader): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colourType, 0, 0, isInterlaced ? 1 : 0], 8);
  return header;
}

/** @param rows scanlines, each behind its filter type */
export function pngFile(
  header: PngHeader,
  rows: Uint8Array,
  before: readonly (readonly [type: string, data: Uint8Array])[] = [],
): Buffer {
  return Buffer.concat([
    SIGNATURE,
    pngChunk("IHDR", pngHeader(header)),
    ...before.map(([type, data]) => pngChunk(type, data)),
    pngChunk("IDAT", deflateSync(rows)),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}
