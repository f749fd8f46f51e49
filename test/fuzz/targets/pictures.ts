/** The reader of drawings: PNG. */
import { deflateSync, inflateSync } from "node:zlib";
import { readPng } from "#src/data/pictures/read-png.js";
import { toDigit } from "#src/data/pictures/to-digit.js";
import { ADAM7_PASSES, pngChunk, pngFile } from "../../helpers/png.js";
import type { Seed, Target } from "../target.js";
import { malformed } from "./malformed.js";

const SIGNATURE_BYTES = 8;
/** Length and type before a chunk's data, its checksum behind. */
const FRAME_BYTES = 12;

/** A chunk's type, then its data; of IDAT what it unpacks to. Packed again with lengths and checksums that are right. */
function pngSeed(name: string, bytes: Buffer): Seed {
  const pieces: Buffer[] = [];
  for (let at = SIGNATURE_BYTES; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const [type, data] = [bytes.subarray(at + 4, at + 8), bytes.subarray(at + 8, at + 8 + length)];
    pieces.push(Buffer.concat([type, type.equals(IDAT) ? inflateSync(data) : data]));
    at += FRAME_BYTES + length;
  }
  const pack = (changed: readonly Uint8Array[]) =>
    Buffer.concat([
      bytes.subarray(0, SIGNATURE_BYTES),
      ...changed.map((piece) => {
        const [type, data] = [Buffer.from(piece.subarray(0, 4)), piece.subarray(4)];
        const packed = type.equals(IDAT) ? deflateSync(data, { level: 1 }) : data;
        return pngChunk(type.toString("latin1").padEnd(4, "x"), packed);
      }),
    ]);
  return { name, bytes, inner: { pieces, pack } };
}

const IDAT = Buffer.from("IDAT");

/** A dark bar on light paper; rows of so many bytes, each behind its filter type. */
function bar(rowBytes: number, rows = 8): Buffer {
  const scanlines = Array.from({ length: rows }, (_, row) => {
    const line = Buffer.alloc(1 + rowBytes, row > 1 && row < 6 ? 0x00 : 0xff);
    line[0] = 0;
    return line;
  });
  return Buffer.concat(scanlines);
}

const SIDES = { width: 6, height: 8 };
const PALETTE = Buffer.of(255, 255, 255, 0, 0, 0);

const PICTURES: Readonly<Record<string, Buffer>> = {
  grey: pngFile(SIDES, bar(6)),
  "one bit": pngFile({ ...SIDES, depth: 1 }, bar(1)),
  "16-bit colours with alpha": pngFile({ ...SIDES, depth: 16, colourType: 6 }, bar(48)),
  palette: pngFile(
    { ...SIDES, colourType: 3 },
    Buffer.concat(Array.from({ length: 8 }, (_, row) => Buffer.of(0, 0, 0, row % 4 > 1 ? 1 : 0, 1, 0, 0))),
    [
      ["PLTE", PALETTE],
      ["tRNS", Buffer.of(255, 255)],
    ],
  ),
  interlaced: pngFile(
    { width: 8, height: 8, isInterlaced: true },
    Buffer.concat(ADAM7_PASSES.map(([columns, rows]) => bar(columns, rows))),
  ),
};

const png: Target = {
  name: "png",
  seeds: [...Object.entries(PICTURES).map(([name, bytes]) => pngSeed(name, bytes)), ...malformed(".png")],
  words: [
    "IHDR",
    "PLTE",
    "tRNS",
    "IEND",
    Buffer.concat([Buffer.from("IHDR"), Buffer.of(0, 1, 0, 0, 0, 1, 0, 0, 16, 6, 0, 0, 0)]),
    Buffer.concat([Buffer.from("iCCPx\0\0"), deflateSync(Buffer.alloc(50_000))]),
    Buffer.from("tEXtx\0\x1b[2J"),
    Buffer.concat([IDAT, Buffer.alloc(100_000)]),
  ],
  codes: /^ERR_(FILE_READ|FILE_EMPTY|PICTURE_\w+)$/,
  onDisk: true,
  async read(_, path) {
    const picture = await readPng(path);
    const { width, height, shades } = picture;
    if (shades.length !== width * height) return `read ${shades.length} shades of ${width} × ${height}`;
    const digit = toDigit(picture, path);
    return digit.length === 28 * 28 ? undefined : `made a digit of ${digit.length} pixels`;
  },
};

export const PICTURE_TARGETS: readonly Target[] = [png];
