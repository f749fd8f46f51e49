/** Files that claim, or unpack to, much more than they are: too long to be kept beside the malformed ones, and soon made. */
import { crc32, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { ErrorCode } from "#src/base/errors.js";
import { raw, u64 } from "../networks/coded.js";
import { idxHeader, imageBytes } from "./idx.js";
import { flatJpeg, jpegScan, jpegSegment, PROGRESSIVE } from "./jpeg.js";
import { npyDict, npyFile } from "./npy.js";
import { fields, tensor, value } from "./onnx.js";
import { pngChunk, pngFile } from "./png.js";
import { type TestEntry, zipFile } from "./zip.js";

const MEGABYTE = 2 ** 20;
const BOMB_BYTES = 100 * MEGABYTE;

export interface Bomb {
  make(): Uint8Array;
  readonly code: ErrorCode;
}

const zeros = () => Buffer.alloc(BOMB_BYTES);

/** 100 MB of zeros behind a header of two numbers, which is what the entry speaks of. */
function understated(): Uint8Array {
  const honest = npyFile(npyDict("<f4", [1, 2]), Buffer.alloc(8));
  const packed = deflateRawSync(Buffer.concat([honest, zeros()]));
  const lies = { unpackedBytes: honest.length, crc: crc32(honest) };
  return zipFile([
    { name: "W1.npy", content: honest, packed, deflated: true, lies },
    { name: "b1.npy", content: npyFile(npyDict("<f4", [2]), Buffer.alloc(8)) },
  ]);
}

const honest = () =>
  zipFile([
    { name: "W1.npy", content: npyFile(npyDict("<f4", [BOMB_BYTES / 100, 25]), zeros()), deflated: true },
    { name: "b1.npy", content: npyFile(npyDict("<f4", [25]), Buffer.alloc(100)) },
  ]);

/** Zeros that an archive holds in a thousandth of their bytes, under an honest header. */
function zerosOf(name: string, shape: readonly number[], bytes: number): TestEntry {
  return { name, content: npyFile(npyDict("<f4", shape), Buffer.alloc(bytes)), deflated: true };
}

/** Layers that share their weights. */
function manyLayers(): Uint8Array {
  const nodes = Array.from({ length: 30_000 }, (_, n) =>
    fields([1, n === 0 ? "x" : `${n}`], [1, "w"], [2, `${n + 1}`], [4, "MatMul"]),
  );
  const graph = fields(
    ...nodes.map((node) => [1, node] as const),
    [5, tensor("w", [500, 500], new Array(250_000).fill(1))],
    [11, value("x", ["N", 500])],
    [12, value("30000", ["N", 500])],
  );
  return fields([1, 8], [7, graph], [8, fields([2, 13])]);
}

function manyTensors(): Uint8Array {
  const entries = Array.from({ length: 100_000 }, (_, n) => [
    `${n}.weight`,
    { dtype: "F16", shape: [1, 1], data_offsets: [2 * n, 2 * n + 2] },
  ]);
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  return raw(u64(header.length), header, new Uint8Array(200_000));
}

/** A picture or a set of this many rows and columns unpacks to a thousand times its bytes. */
const SIDE = 2 ** 12;

/** One image of zeros that no network fits. */
const oneImage = (side: number) =>
  zipFile([
    {
      name: "x_test.npy",
      content: npyFile(npyDict("|u1", [1, side, side]), Buffer.alloc(side ** 2)),
      deflated: true,
    },
    { name: "y_test.npy", content: npyFile(npyDict("|u1", [1]), Buffer.of(0)) },
  ]);

/** A dict of one tensor whose storage unpacks to 100 MB and should have four bytes. */
function longStorage(): Uint8Array {
  const tensor =
    "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu";
  const pickle = `\x80\x02}X\x08\0\0\x000.weight${tensor}K\x01tQK\0K\x01K\x01\x86K\x01K\x01\x86\x89}tRs.`;
  return zipFile([
    { name: "m/data.pkl", content: Buffer.from(pickle, "latin1") },
    { name: "m/version", content: Buffer.from("3\n") },
    { name: "m/data/0", content: zeros(), deflated: true },
  ]);
}

/** Progressive scans that say of all blocks in runs of 16,384 that nothing comes. */
const LONG_RUNS = Buffer.concat(
  Array.from({ length: 39 }, () =>
    Buffer.concat([
      jpegSegment(0xc4, [0x10, 1, ...Buffer.alloc(15), 0xe0]),
      jpegScan(1, [1, 63, 0]),
      Buffer.alloc(SIDE ** 2 / 64 / 2 ** 13),
    ]),
  ),
);

const many = (count: number, text: string) => text.repeat(count);
/** Texts of some megabytes that a reader has no use for. */
const TEXTS: Readonly<Record<string, readonly [text: () => string, code: ErrorCode]>> = {
  "5-mb-of-brackets.manifest.json": [() => many(5_000_000, "["), "ERR_JSON_SHAPE"],
  "5-mb-of-brackets.checks.json": [() => many(5_000_000, "["), "ERR_JSON_SHAPE"],
  "5-mb-of-fractions.result.json": [() => `{"result":[${many(1_250_000, "0.5,")}0]}`, "ERR_JSON_SHAPE"],
  "400000-keys.part.json": [
    () => `{${Array.from({ length: 400_000 }, (_, n) => `"${n}":1`).join()}}`,
    "ERR_JSON_SHAPE",
  ],
  "key-of-1-mb.config.json": [() => `{"${many(1_000_000, "x")}":1}`, "ERR_CONFIG_KEY"],
  "10000000-zeros.weights.json": [() => `{"predictions":[${many(10_000_000, "0,")}0]}`, "ERR_NETWORK_FORMAT"],
  "10-mb-of-commas.weights.csv": [() => many(10_000_000, ","), "ERR_WEIGHTS_TEXT"],
  "10-mb-of-commas.csv": [() => many(10_000_000, ","), "ERR_PREDICTIONS_LINE"],
  "10-mb-of-brackets.ndjson": [() => many(10_000_000, "["), "ERR_PREDICTIONS_LINE"],
  "10-mb-of-brackets.journal": [() => many(10_000_000, "["), "ERR_JOURNAL_KIND"],
  "500000-names.names.txt": [() => many(500_000, "a\n"), "ERR_CLASSES_FILE"],
};

/** By the endings that the malformed files have. */
export const BOMBS: Readonly<Record<string, Bomb>> = {
  ...Object.fromEntries(
    Object.entries(TEXTS).map(([name, [text, code]]) => [name, { make: () => Buffer.from(text()), code }]),
  ),
  "image-of-16384-rows.set.npz": { make: () => oneImage(4 * SIDE), code: "ERR_NETWORK_INPUTS" },
  "100-mb-in-a-classifier.pkl": {
    make: () =>
      deflateSync(
        Buffer.concat([Buffer.from("\x80\x02csklearn.svm.classes\nLinearSVC\n", "latin1"), zeros()]),
      ),
    code: "ERR_PICKLE_LIMIT",
  },
  "100-mb-in-a-storage.pt": { make: longStorage, code: "ERR_ARRAY_LAYOUT" },
  "10-mb-of-trees.h5": {
    make: () =>
      Buffer.concat([Buffer.from("\x89HDF\r\n\x1a\n\0", "latin1"), Buffer.alloc(10 * MEGABYTE, "TREE")]),
    code: "ERR_HDF5_UNSUPPORTED",
  },
  "134-mb-of-colours.png": {
    make: () =>
      pngFile({ width: SIDE, height: SIDE, depth: 16, colourType: 6 }, Buffer.alloc(SIDE * (1 + 8 * SIDE))),
    code: "ERR_PICTURE_BLANK",
  },
  "16-million-pixels.jpg": {
    make: () => flatJpeg({ width: SIDE, height: SIDE }).subarray(0, -2),
    code: "ERR_PICTURE_FORMAT",
  },
  "39-scans-of-16-million-pixels.jpg": {
    make: () =>
      Buffer.concat([flatJpeg({ width: SIDE, height: SIDE, frame: PROGRESSIVE }).subarray(0, -2), LONG_RUNS]),
    code: "ERR_PICTURE_FORMAT",
  },
  "2500000-comments.jpg": {
    make: () => Buffer.concat([Buffer.of(0xff, 0xd8), Buffer.alloc(10_000_000, Buffer.of(0xff, 0xfe, 0, 2))]),
    code: "ERR_PICTURE_FORMAT",
  },
  "1000000-empty-chunks.png": {
    make: () => {
      const file = pngFile({ width: 1, height: 1 }, Buffer.of(0, 0));
      const chunk = pngChunk("what", Buffer.of());
      return Buffer.concat([
        file.subarray(0, 33),
        Buffer.alloc(1_000_000 * chunk.length, chunk),
        file.subarray(33),
      ]);
    },
    code: "ERR_PICTURE_FORMAT",
  },
  "100-mb-behind-ten-images.idx.gz": {
    make: () => gzipSync(Buffer.concat([imageBytes(10), zeros()])),
    code: "ERR_IDX_TRAILING",
  },
  "100-mb-of-2-gib.idx.gz": {
    make: () => gzipSync(Buffer.concat([idxHeader(0x08, [1, 2 ** 15, 2 ** 15]), zeros()])),
    code: "ERR_GZIP_CORRUPT",
  },
  // Read while it is evaluated; it names the bomb above.
  "100-mb-behind-ten-images.streamed.json": {
    make: () => Buffer.from('[{"images": "100-mb-behind-ten-images.idx.gz"}]'),
    code: "ERR_IDX_TRAILING",
  },
  "100-mb-in-an-entry-of-136-bytes.npz": { make: understated, code: "ERR_ZIP_SIZE" },
  "100-mb-of-weights.npz": { make: honest, code: "ERR_ZIP_LIMIT" },
  "100-mb-behind-two-pixels.png": {
    make: () => pngFile({ width: 1, height: 2 }, zeros()),
    code: "ERR_PICTURE_FORMAT",
  },
  "12-mb-under-other-names.npz": {
    make: () =>
      zipFile(["a", "b", "c", "d"].map((name) => zerosOf(`${name}.npy`, [(3 * MEGABYTE) / 4], 3 * MEGABYTE))),
    code: "ERR_NETWORK_KEYS",
  },
  "16-mb-that-do-not-chain.npz": {
    make: () =>
      zipFile([
        zerosOf("W1.npy", [MEGABYTE, 2], 8 * MEGABYTE),
        zerosOf("b1.npy", [(7 * MEGABYTE) / 4], 7 * MEGABYTE),
      ]),
    code: "ERR_NETWORK_CHAIN",
  },
  "2000000-empty-nodes.onnx": {
    make: () => fields([1, 8], [7, Buffer.alloc(4_000_000).fill("\x0a\x00", "latin1")]),
    code: "ERR_ONNX_LIMIT",
  },
  "30000-layers.onnx": { make: manyLayers, code: "ERR_ONNX_LIMIT" },
  "500000-dicts.pkl": { make: () => raw("]", "}a".repeat(500_000), "."), code: "ERR_PICKLE_LIMIT" },
  "100000-tensors.safetensors": { make: manyTensors, code: "ERR_SAFETENSORS_HEADER" },
};

/** 67 MB that are honestly a network: reading them takes more memory than any file above may. */
export function honestNetwork(): Uint8Array {
  const [columns, rows] = [64, MEGABYTE / 4];
  return zipFile([
    { name: "W1.npy", content: npyFile(npyDict("<f4", [rows, columns]), Buffer.alloc(rows * columns * 4)) },
    { name: "b1.npy", content: npyFile(npyDict("<f4", [columns]), Buffer.alloc(columns * 4)) },
  ]);
}
