/** The rows of a PNG file, unpacked and without their filters (W3C, 3rd edition, sections 7 and 9). @throws Error in words, all functions */

import { createInflate, inflateSync } from "node:zlib";
import { assertLoading } from "#src/base/abort.js";
import { isTooLong } from "#src/files/inflate.js";
import type { PngFile, PngHeader } from "./png-file.js";

/** One row of a pass: its pixels are `x`, `x + xStep`, … of the row `y` of the picture. */
export interface PngRow {
  readonly x: number;
  readonly y: number;
  readonly xStep: number;
  readonly columns: number;
  /** (columns × channels) u16, 0 to 2^depth − 1; the same memory for each row. */
  readonly samples: Uint16Array;
}

/** Bytes that are unpacked at once. Between two pieces, a signal gets its turn. */
const PIECE_BYTES = 2 ** 16;

/** Unpacks the rows of all passes, which are as many bytes as the header states. Only two rows are held. */
export async function readRows({ header, packed }: PngFile, take: (row: PngRow) => void): Promise<void> {
  const rows = unfilteredRows(header, take);
  let state = rows.next();
  const inflater = createInflate({ chunkSize: PIECE_BYTES });
  inflater.end(packed);
  // A fault leaves the loop, which destroys the stream.
  for await (const piece of inflater as AsyncIterable<Uint8Array>) {
    state = rows.next(piece);
    if (state.done) throw new Error("it holds more pixels than its header says");
    assertLoading();
  }
  if (!state.value) throw new Error("it holds fewer pixels than its header says");
}

/** As `readRows`, on the calling thread and with all rows unpacked at once: for small pictures, of which there are thousands. */
export function readRowsNow(file: PngFile, take: (row: PngRow) => void): void {
  const rows = unfilteredRows(file.header, take);
  rows.next();
  rows.next(unpackedNow(file));
}

/** (height × width × channels) u8, row-major: the samples of a picture that is not interlaced, 8 bits each. */
export function readBytesNow(file: PngFile): Uint8Array {
  const { width, height, channels } = file.header;
  const count = width * channels;
  const bytes = unpackedNow(file);
  // Each row moves to the front by the bytes of the filters before it.
  let above: Uint8Array = new Uint8Array(count);
  let aboveAt = 0;
  for (let row = 0, from = 0, to = 0; row < height; row++, from += 1 + count, to += count) {
    unfilter(bytes[from]!, bytes, from + 1, to, count, above, aboveAt, channels);
    [above, aboveAt] = [bytes, to];
  }
  return bytes.subarray(0, height * count);
}

const TOO_MANY = "it holds more pixels than its header says";

/** The rows with their filters, as many bytes as the header states. */
function unpackedNow({ header, packed }: PngFile): Uint8Array {
  const unpackedBytes = rowBytesOf(header);
  // One byte more than the header states is a fault too.
  const options = { maxOutputLength: unpackedBytes + 1, chunkSize: unpackedBytes + 64 };
  let content: Uint8Array;
  try {
    content = inflateSync(packed, options);
  } catch (error) {
    throw isTooLong(error) ? new Error(TOO_MANY) : error;
  }
  if (content.length > unpackedBytes) throw new Error(TOO_MANY);
  if (content.length < unpackedBytes) throw new Error("it holds fewer pixels than its header says");
  return content;
}

/** Bytes of the rows of all passes, each with its filter. */
export function rowBytesOf({ width, height, depth, channels, passes }: PngHeader): number {
  return passes.reduce((sum, { x, y, xStep, yStep }) => {
    const columns = Math.max(0, Math.ceil((width - x) / xStep));
    const rows = columns === 0 ? 0 : Math.max(0, Math.ceil((height - y) / yStep));
    return sum + rows * (1 + Math.ceil((columns * channels * depth) / 8));
  }, 0);
}

/** Takes the unpacked bytes in pieces. Yields whether the last row is complete; returns if more bytes follow it. */
function* unfilteredRows(
  header: PngHeader,
  take: (row: PngRow) => void,
): Generator<boolean, void, Uint8Array> {
  const { width, height, depth, channels, passes } = header;
  const pixelBytes = Math.max(1, (channels * depth) >> 3);
  let piece: Uint8Array = Buffer.of();
  let at = 0;
  for (const { x, y, xStep, yStep } of passes) {
    const columns = Math.max(0, Math.ceil((width - x) / xStep));
    if (columns === 0) continue;
    // Each row has the type of its filter before it.
    const rowBytes = 1 + Math.ceil((columns * channels * depth) / 8);
    let [line, above] = [new Uint8Array(rowBytes), new Uint8Array(rowBytes)];
    const samples = new Uint16Array(columns * channels);
    for (let row = y; row < height; row += yStep) {
      for (let filled = 0; filled < rowBytes; ) {
        while (at === piece.length) [piece, at] = [yield false, 0];
        const found = piece.subarray(at, at + rowBytes - filled);
        line.set(found, filled);
        filled += found.length;
        at += found.length;
      }
      unfilter(line[0]!, line, 1, 1, rowBytes - 1, above, 1, pixelBytes);
      unpackSamples(line.subarray(1), depth, samples);
      take({ x, y: row, xStep, columns, samples });
      [line, above] = [above, line];
    }
  }
  while (at === piece.length) [piece, at] = [yield true, 0];
}

/** line[to..] = the `count` filtered bytes line[from..], without their filter; `to` is not behind `from`. `above` is the row before, or zeros. */
function unfilter(
  filter: number,
  line: Uint8Array,
  from: number,
  to: number,
  count: number,
  above: Uint8Array,
  aboveAt: number,
  pixelBytes: number,
): void {
  if (filter === 0) {
    line.copyWithin(to, from, from + count);
  } else if (filter === 1) {
    for (let n = 0; n < count; n++) {
      line[to + n] = line[from + n]! + (n < pixelBytes ? 0 : line[to + n - pixelBytes]!);
    }
  } else if (filter === 2) {
    for (let n = 0; n < count; n++) line[to + n] = line[from + n]! + above[aboveAt + n]!;
  } else if (filter === 3) {
    for (let n = 0; n < count; n++) {
      const left = n < pixelBytes ? 0 : line[to + n - pixelBytes]!;
      line[to + n] = line[from + n]! + ((left + above[aboveAt + n]!) >> 1);
    }
  } else if (filter === 4) {
    for (let n = 0; n < count; n++) {
      const isFirst = n < pixelBytes;
      const left = isFirst ? 0 : line[to + n - pixelBytes]!;
      const corner = isFirst ? 0 : above[aboveAt + n - pixelBytes]!;
      line[to + n] = line[from + n]! + paeth(left, above[aboveAt + n]!, corner);
    }
  } else {
    throw new Error(`a row of it has the filter ${filter}`);
  }
}

/** The neighbour that is nearest to left + above − corner; of equals, the first (section 9.4). */
function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/** row, packed from the high bits on → samples u16. */
function unpackSamples(line: Uint8Array, depth: number, samples: Uint16Array): void {
  if (depth === 16) {
    for (let n = 0; n < samples.length; n++) samples[n] = (line[2 * n]! << 8) | line[2 * n + 1]!;
  } else if (depth === 8) {
    samples.set(line);
  } else {
    const mask = 2 ** depth - 1;
    for (let n = 0; n < samples.length; n++) {
      const bit = n * depth;
      samples[n] = (line[bit >> 3]! >> (8 - depth - (bit & 7))) & mask;
    }
  }
}
