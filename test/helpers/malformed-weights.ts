/** As malformed.ts: files of PyTorch and Keras, arrays as text, and sets of NumPy. */

import { readFileSync } from "node:fs";
import { FIXTURES } from "#src/base/package.js";
import type { Malformed } from "./malformed.js";
import { npyDict, npyFile } from "./npy.js";
import { dict, numpy, latin1 as pickled } from "./pickle.js";
import { zipFile } from "./zip.js";

const latin1 = (text: string) => Buffer.from(text, "latin1");
const fixture = (name: string) => readFileSync(new URL(name, FIXTURES));

const STATE_DICT = fixture("torch/state-dict.pt");
const WEIGHTS = fixture("keras/keras-3.weights.h5");
const LATEST = fixture("keras/latest.h5");

const torch = (pickle: string) =>
  zipFile([
    { name: "m/data.pkl", content: latin1(pickle) },
    { name: "m/version", content: latin1("3\n") },
  ]);
const keras = (config: string) =>
  zipFile([
    { name: "metadata.json", content: latin1('{"keras_version": "3.0.0"}') },
    { name: "config.json", content: latin1(config) },
    { name: "model.weights.h5", content: WEIGHTS },
  ]);

/** The file with all that is `text` replaced by as many other bytes. */
function replaced(file: Buffer, text: string, other: string): Buffer {
  return latin1(file.toString("latin1").replaceAll(text, other));
}

const STORAGE =
  "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu";

export const MALFORMED_TORCH: Readonly<Record<string, Malformed>> = {
  "truncated.pt": { bytes: STATE_DICT.subarray(0, 1_000), code: "ERR_ZIP_STRUCTURE" },
  "os-system.pt": {
    bytes: torch("\x80\x02cposix\nsystem\nX\x02\0\0\0id\x85R."),
    code: "ERR_PICKLE_FORBIDDEN",
  },
  "without-storage.pt": {
    bytes: torch(`\x80\x02}X\x08\0\0\x000.weight${STORAGE}K\x04tQK\0K\x02K\x02\x86K\x02K\x01\x86\x89}tRs.`),
    code: "ERR_ARRAY_LAYOUT",
  },
  "storage-of-2-gib.pt": {
    bytes: torch(
      `\x80\x02}X\x08\0\0\x000.weight${STORAGE}J\xff\xff\xff\x7ftQK\0J\xff\xff\xff\x7fK\x01\x86K\x01K\x01\x86\x89}tRs.`,
    ),
    code: "ERR_WEIGHTS_SIZE",
  },
  "truncated.pth": { bytes: fixture("torch/legacy.pth").subarray(0, 600), code: "ERR_PICKLE_TRUNCATED" },
};

export const MALFORMED_KERAS: Readonly<Record<string, Malformed>> = {
  "truncated.h5": { bytes: WEIGHTS.subarray(0, 5_000), code: "ERR_HDF5_MALFORMED" },
  "trees-for-tables.h5": { bytes: replaced(WEIGHTS, "SNOD", "TREE"), code: "ERR_HDF5_MALFORMED" },
  "heap-of-2-to-64.h5": {
    bytes: replaced(WEIGHTS, "HEAP\0\0\0\0", "HEAP\xff\xff\xff\xff"),
    code: "ERR_HDF5_UNSUPPORTED",
  },
  "checksum.h5": { bytes: replaced(LATEST, "OHDR\x02", "OHDR\x03"), code: "ERR_HDF5_UNSUPPORTED" },
  "deep.keras": { bytes: keras(`{"class_name":${"[".repeat(2_500)}`), code: "ERR_NETWORK_LAYER" },
  "lambda.keras": {
    bytes: keras('{"class_name":"Sequential","config":{"layers":[{"class_name":"Lambda","config":{}}]}}'),
    code: "ERR_NETWORK_LAYER",
  },
};

/** Of a folder of one array. */
export const MALFORMED_CSV: Readonly<Record<string, Malformed>> = {
  "ragged.weights.csv": { bytes: latin1("1,2\n3\n"), code: "ERR_WEIGHTS_TEXT" },
  "long-number.weights.csv": { bytes: latin1(`${"9".repeat(5_000)},1\n`), code: "ERR_NETWORK_NOT_FINITE" },
  "empty-cells.weights.csv": { bytes: latin1(`${",".repeat(8_000)}\n`), code: "ERR_WEIGHTS_TEXT" },
};

export const MALFORMED_JSON: Readonly<Record<string, Malformed>> = {
  "deep.weights.json": { bytes: latin1("[".repeat(8_000)), code: "ERR_WEIGHTS_TEXT" },
  "ragged.weights.json": { bytes: latin1('{"W1":[[1,2],[3]],"b1":[1,2]}'), code: "ERR_NETWORK_FORMAT" },
  "predictions.weights.json": {
    bytes: latin1(`{"predictions":[${"0,".repeat(7_000)}0]}`),
    code: "ERR_NETWORK_FORMAT",
  },
  "open-text.weights.json": { bytes: latin1(`{"W1":"${"a".repeat(8_000)}`), code: "ERR_WEIGHTS_TEXT" },
};

const set = (images: Buffer, labels: Buffer) =>
  zipFile([
    { name: "x_test.npy", content: images },
    { name: "y_test.npy", content: labels },
  ]);
const PARQUET = Buffer.from(
  JSON.parse(readFileSync("test/data/parquet-reference.json", "utf8")).lists,
  "base64",
);

/** The header of the first page claims 255 values, by the zigzag number of 128. */
function claimed(file: Buffer): Buffer {
  const changed = Buffer.from(file);
  changed.writeUInt16LE(0x03fe, file.indexOf(Buffer.of(0x15, 0x80, 0x02, 0x15)) + 1);
  return changed;
}
const LABELS = npyFile(npyDict("|u1", [1]), Buffer.of(0));
const IMAGE = npyFile(npyDict("|u1", [1, 2, 3]), Buffer.alloc(6));

export const MALFORMED_SETS: Readonly<Record<string, Malformed>> = {
  "strings.set.npz": {
    bytes: set(npyFile(npyDict("<U1", [1, 2, 3]), Buffer.alloc(24)), LABELS),
    code: "ERR_DATASET_FORMAT",
  },
  "objects.set.npz": {
    bytes: set(npyFile(npyDict("|O", [1]), latin1("\x80\x04N.")), LABELS),
    code: "ERR_DATASET_FORMAT",
  },
  "fewer-labels.set.npz": {
    bytes: set(npyFile(npyDict("|u1", [2, 1, 3]), Buffer.alloc(6)), LABELS),
    code: "ERR_COUNT_MISMATCH",
  },
  "without-labels.set.npz": {
    bytes: zipFile([{ name: "x_test.npy", content: IMAGE }]),
    code: "ERR_NPZ_ARRAYS",
  },
  "short.set.npy": { bytes: IMAGE.subarray(0, -1), code: "ERR_NPY_LENGTH" },
  "objects.set.npy": { bytes: npyFile(npyDict("|O", [1]), latin1("\x80\x04N.")), code: "ERR_DATASET_FORMAT" },
  "ragged.set.csv": { bytes: latin1(table("2,0,0,0,0,0")), code: "ERR_CSV_ROW" },
  "text-in-a-pixel.set.csv": { bytes: latin1(table("2,0,0,x,0,0,0")), code: "ERR_CSV_ROW" },
  "pixel-of-256.set.csv": { bytes: latin1(table("2,0,0,256,0,0,0")), code: "ERR_CSV_ROW" },
  "truncated.set.parquet": { bytes: PARQUET.subarray(0, 500), code: "ERR_DATASET_FORMAT" },
  "claims-more-values.set.parquet": { bytes: claimed(PARQUET), code: "ERR_DATASET_FORMAT" },
  "os-system.set.pkl": {
    bytes: latin1("\x80\x02cposix\nsystem\nX\x02\0\0\0id\x85R."),
    code: "ERR_PICKLE_FORBIDDEN",
  },
  "fewer-bytes.set.pkl": {
    bytes: pickled(`\x80\x03${dict({ x: numpy("u1", [1, 2, 3], Uint8Array.of(1, 2)) })}.`),
    code: "ERR_NPZ_ARRAY",
  },
  "odd-size.set.bin": { bytes: Buffer.alloc(3_000, 7), code: "ERR_DATASET_FORMAT" },
};

function table(row: string): string {
  return `label,${Array.from({ length: 6 }, (_, n) => `pixel${n}`).join(",")}\n1,0,0,0,0,0,0\n${row}\n`;
}
