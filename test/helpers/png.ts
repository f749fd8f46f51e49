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

/** The pass of each pixel of 8 × 8, as the standard draws them (section 8.1). */
const ADAM7_GRID = [
  "16462646",
  "77777777",
  "56565656",
  "77777777",
  "36463646",
  "77777777",
  "56565656",
  "77777777",
];

/**
 * A file of these samples, (height × width × channels), row-major; its rows take turns with the five filters. A pass without
 * pixels has no rows.
 */
export function pngOfSamples(
  header: PngHeader,
  channels: number,
  samples: readonly number[],
  before: readonly (readonly [type: string, data: Uint8Array])[] = [],
): Buffer {
  const { width, height, depth = 8, isInterlaced = false } = header;
  const passOf = (x: number, y: number) => (isInterlaced ? ADAM7_GRID[y % 8]![x % 8]! : "1");
  const lines: Buffer[] = [];
  for (const pass of "1234567") {
    let above: Buffer | undefined;
    for (let y = 0; y < height; y++) {
      const row: number[] = [];
      for (let x = 0; x < width; x++) {
        const at = (y * width + x) * channels;
        if (passOf(x, y) === pass) row.push(...samples.slice(at, at + channels));
      }
      if (row.length === 0) continue;
      const line = packed(row, depth);
      lines.push(
        filtered(
          lines.length % 5,
          line,
          above ?? Buffer.alloc(line.length),
          Math.ceil((channels * depth) / 8),
        ),
      );
      above = line;
    }
  }
  return pngFile(header, Buffer.concat(lines), before);
}

function packed(row: readonly number[], depth: number): Buffer {
  const bits = row.map((sample) => sample.toString(2).padStart(depth, "0")).join("");
  const bytes = bits.match(/.{1,8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2)));
}

function filtered(filter: number, line: Buffer, above: Buffer, pixelBytes: number): Buffer {
  const bytes = [...line].map((byte, n) => {
    const [left, corner] = [line[n - pixelBytes] ?? 0, n < pixelBytes ? 0 : above[n - pixelBytes]!];
    const up = above[n]!;
    const guess = left + up - corner;
    const nearest = [left, up, corner].toSorted((a, b) => Math.abs(guess - a) - Math.abs(guess - b))[0]!;
    return byte - [0, left, up, Math.floor((left + up) / 2), nearest][filter]!;
  });
  return Buffer.from([filter, ...bytes.map((byte) => byte & 255)]);
}
