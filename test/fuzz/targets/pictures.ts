/** The readers of pictures: PNG as a drawing, JPEG, and folders of both. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync, inflateSync } from "node:zlib";
import { AS_STORED } from "#src/base/contracts/dataset.js";
import { openPictureFolder } from "#src/data/picture-folder.js";
import { decodePicture } from "#src/data/pictures/decode.js";
import { readPng } from "#src/data/pictures/read-png.js";
import { toDigit } from "#src/data/pictures/to-digit.js";
import { copiesOf, ONE_BY_ONE } from "../../helpers/all-of.js";
import { flatJpeg, HUFFMAN, jpegScan, jpegSegment, PROGRESSIVE } from "../../helpers/jpeg.js";
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

/** Segments of a JPEG by their content, and the coded pixels behind the scan's. Packed again with lengths that are right. */
function jpegSeed(name: string, bytes: Buffer): Seed {
  const pieces: Buffer[] = [];
  let at = 2;
  for (let marker = 0; marker !== SOS; ) {
    marker = bytes[at + 1]!;
    const length = bytes.readUInt16BE(at + 2);
    pieces.push(Buffer.concat([Buffer.of(marker), bytes.subarray(at + 4, at + 2 + length)]));
    at += 2 + length;
  }
  pieces.push(bytes.subarray(at));
  const pack = (changed: readonly Uint8Array[]) =>
    Buffer.concat([
      bytes.subarray(0, 2),
      ...changed.map((piece, n) =>
        n === changed.length - 1 ? piece : jpegSegment(piece[0] ?? SOS, piece.subarray(1, 2 ** 16 - 2)),
      ),
    ]);
  return { name, bytes, inner: { pieces, pack } };
}

const SOS = 0xda;
const SHADES = { width: 24, height: 16, shades: [10, 250, 90, 128] };
const SUBSAMPLED = [
  [2, 2],
  [1, 1],
  [1, 1],
] as const;
/** A second scan, whose code ends all blocks. */
const refined = Buffer.concat([
  flatJpeg({ ...SHADES, frame: PROGRESSIVE }).subarray(0, -2),
  jpegScan(1, [1, 63, 0]),
  Buffer.alloc(1),
  Buffer.of(0xff, 0xd9),
]);

const JPEGS: Readonly<Record<string, Buffer>> = {
  "grey shades": flatJpeg(SHADES),
  restarts: flatJpeg({ ...SHADES, restart: 2 }),
  "subsampled colours": flatJpeg({ ...SHADES, factors: SUBSAMPLED }),
  "progressive colours": flatJpeg({ ...SHADES, factors: SUBSAMPLED, frame: PROGRESSIVE }),
  "two progressive scans": refined,
};

const jpeg: Target = {
  name: "jpeg",
  seeds: [...Object.entries(JPEGS).map(([name, bytes]) => jpegSeed(name, bytes)), ...malformed(".jpg")],
  words: [
    ...[0xc0, 0xc2, 0xc4, 0xd0, 0xd9, SOS, 0xdb, 0xdd, 0xee, 0xff].map((marker) => Buffer.of(0xff, marker)),
    HUFFMAN,
    jpegScan(1, [0, 0, 0]),
    jpegScan(1, [1, 63, 0]),
    jpegScan(1, [1, 63, 0x10]),
    jpegScan(3, [0, 63, 0]),
    Buffer.of(0xff, 0xff),
    Buffer.from("Adobe\0d\0\0\0\0\0", "latin1"),
    "JFIF\0",
  ],
  codes: /^ERR_PICTURE_(FORMAT|SIZE)$/,
  onDisk: false,
  async read(bytes, path) {
    const { width, height, channels, pixels } = await decodePicture(bytes, path);
    const isWhole = pixels.length === width * height * channels;
    return isWhole ? undefined : `read ${pixels.length} bytes of ${width} × ${height} × ${channels}`;
  },
};

const GIVEN = { name: "pictures", split: "test", classNames: undefined, view: AS_STORED } as const;

/** One picture among sound ones of two classes; it has the name of a PNG, whatever it is. */
const folder: Target = {
  name: "picture-folder",
  seeds: [...png.seeds, ...jpeg.seeds],
  words: [...png.words, ...jpeg.words],
  codes: /^ERR_(FILE_EMPTY|DATASET_FORMAT|DATASET_SHAPE|PICTURE_(FORMAT|SIZE))$/,
  onDisk: false,
  async read(bytes, path) {
    const root = `${path}-pictures`;
    for (const label of [0, 1]) mkdirSync(join(root, `${label}`), { recursive: true });
    writeFileSync(join(root, "0/a.png"), PICTURES.grey ?? "");
    writeFileSync(join(root, "1/c.jpg"), JPEGS["grey shades"] ?? "");
    writeFileSync(join(root, "0/b.png"), bytes);
    const set = await openPictureFolder(root, GIVEN, true, {
      imageShape: "6x8",
      fit: "pillow",
      grayscale: true,
    });
    const { total } = set.facts;
    const slabs = await copiesOf(set.slabs({ offset: 0, limit: total }, ONE_BY_ONE));
    const labels = slabs.flatMap((slab) => [...slab.labels]);
    if (`${labels}` !== "0,0,1") return `read the labels ${labels}`;
    const { rows, columns, channels } = set.facts.shape;
    const pixels = slabs.reduce((sum, slab) => sum + slab.pixels.length, 0);
    return pixels === total * rows * columns * channels ? undefined : `read ${pixels} bytes of pixels`;
  },
};

export const PICTURE_TARGETS: readonly Target[] = [png, jpeg, folder];
