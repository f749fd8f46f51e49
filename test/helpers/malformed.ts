/** The files of fixtures/malformed that others' tools would not write, one fault a file: how each is made, and what is said of it. */
import { gzipSync } from "node:zlib";
import type { ErrorCode } from "#src/base/errors.js";
import { idxHeader, imageBytes } from "./idx.js";
import { MALFORMED_JOURNALS, MALFORMED_PARTS, MALFORMED_PICTURES } from "./malformed-runs.js";
import {
  MALFORMED_CSV,
  MALFORMED_JSON,
  MALFORMED_KERAS,
  MALFORMED_SETS,
  MALFORMED_TORCH,
} from "./malformed-weights.js";
import { npyDict, npyFile, npyFloats } from "./npy.js";
import { fields, model, type TestModel, type TestNode, tensor } from "./onnx.js";
import { SAMPLE_RESULT } from "./sample-result.js";
import { type TestEntry, zipFile } from "./zip.js";

export interface Malformed {
  readonly bytes: Uint8Array;
  readonly code: ErrorCode;
}

const W1 = npyFloats([2, 2], [1, 2, 3, 4]);
const b1 = npyFloats([2], [5, 6]);
const npz = (entries: Readonly<Record<string, Uint8Array>>, more: Partial<TestEntry> = {}) =>
  zipFile(Object.entries(entries).map(([name, content]) => ({ name, content, ...more })));

const ZEROS = npyFile(npyDict("<f4", [500, 1000]), new Uint8Array(2_000_000));

const gemm = (inputs: readonly string[], output: string): TestNode => ({ op: "Gemm", inputs, output });
const onnx = (parts: Partial<TestModel>) =>
  model({
    nodes: [gemm(["x", "w", "b"], "y")],
    tensors: [tensor("w", [2, 2], [1, 2, 3, 4]), tensor("b", [2], [5, 6])],
    ...parts,
  });
const whole = onnx({});

/** A gzip member whose bytes do not depend on how well zlib packs. */
const stored = (content: string | Uint8Array) => gzipSync(content, { level: 0 });

const latin1 = (text: string) => Buffer.from(text, "latin1");
/** A dict of one key, W1, whose value the opcodes make. */
const pickled = (opcodes: string) => latin1(`\x80\x04}\x8c\x02W1${opcodes}s.`);
/** A list of ten times the list before it, nine times over: a thousand million of the first, were they copied. */
const LAUGHS = [
  "]\x940",
  ...Array.from({ length: 9 }, (_, level) => `](${`h${String.fromCharCode(level)}`.repeat(10)}e\x940`),
  "h\x09",
].join("");

const safetensors = (header: string, dataBytes: number, lengthBytes = header.length) => {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(lengthBytes));
  return Buffer.concat([length, latin1(header), new Uint8Array(dataBytes)]);
};
const tensorAt = (begin: number, end: number) =>
  `{"dtype":"F32","shape":[${(end - begin) / 4},1],"data_offsets":[${begin},${end}]}`;

/** A folder of one array, whose name is the file's. */
export const MALFORMED_ARRAYS: Readonly<Record<string, Malformed>> = {
  "objects.npy": {
    bytes: npyFile(npyDict("|O", [1]), Buffer.from("\x80\x04N.", "latin1")),
    code: "ERR_NPY_DTYPE",
  },
  "header-of-4-gib.npy": {
    bytes: Buffer.from("\x93NUMPY\x02\0\xff\xff\xff\xff{'descr': '<f4', ", "latin1"),
    code: "ERR_NPY_HEADER",
  },
  "data-of-4-gib.npy": {
    bytes: npyFile(npyDict("<f4", [32768, 32768]), new Uint8Array(8)),
    code: "ERR_NPY_HEADER",
  },
  "truncated.npy": { bytes: W1.subarray(0, -1), code: "ERR_NPY_LENGTH" },
  "trailing.npy": { bytes: Buffer.concat([W1, b1]), code: "ERR_NPY_LENGTH" },
};

/** Image files. */
export const MALFORMED_IDX: Readonly<Record<string, Malformed>> = {
  "dimension-of-2-to-32-less-1.idx": { bytes: idxHeader(0x08, [2 ** 32 - 1]), code: "ERR_IDX_DIMENSIONS" },
  "255-dimensions.idx": { bytes: idxHeader(0x08, Array(255).fill(2 ** 32 - 1)), code: "ERR_IDX_DIMENSIONS" },
  "truncated.idx": { bytes: imageBytes(2).subarray(0, -1), code: "ERR_IDX_TRUNCATED" },
  "trailing.idx": { bytes: Buffer.concat([imageBytes(2), Buffer.of(0)]), code: "ERR_IDX_TRAILING" },
  "second-member.idx.gz": {
    bytes: Buffer.concat([stored(imageBytes(2)), stored("x")]),
    code: "ERR_GZIP_TRAILING",
  },
  "trailing-junk.idx.gz": {
    bytes: Buffer.concat([stored(imageBytes(2)), latin1("junk")]),
    code: "ERR_GZIP_TRAILING",
  },
  "claims-2-gib.idx.gz": {
    bytes: stored(idxHeader(0x08, [1, 2 ** 15, 2 ** 16 - 1])),
    code: "ERR_GZIP_CORRUPT",
  },
};

const ESCAPE = "\x1b[2J";

/** States 2,000 classes by its rows, and holds none of their square. */
const RAGGED_RESULT = {
  ...SAMPLE_RESULT,
  result: { ...SAMPLE_RESULT.result, confusionMatrix: Array.from({ length: 2000 }, () => []) },
};

/** Texts, by the endings that the readers' tests know them by. */
export const MALFORMED_DOCUMENTS: Readonly<Record<string, Malformed>> = {
  "deep.config.json": {
    bytes: latin1(`{"threads":${"[".repeat(6_000)}${"]".repeat(6_000)}}`),
    code: "ERR_CONFIG_VALUE",
  },
  "line-feed.result.json": { bytes: latin1('{\n  "schemaVersion"\n}'), code: "ERR_JSON_SYNTAX" },
  "ragged-matrix.result.json": { bytes: latin1(JSON.stringify(RAGGED_RESULT)), code: "ERR_JSON_SHAPE" },
  "escape.result.json": { bytes: latin1(`{"schemaVersion": ${ESCAPE}1}`), code: "ERR_JSON_SYNTAX" },
  "escaped-key.checks.json": {
    bytes: latin1('{"evaluations": [{"name": "a"}], "\\u001b[2J": 1}'),
    code: "ERR_JSON_SHAPE",
  },
  "escape.manifest.json": {
    bytes: latin1('[{"images": "a\\u001b[2J\\nb", "labels": "c"}]'),
    code: "ERR_JSON_SHAPE",
  },
  "long-path.manifest.json": {
    bytes: latin1(`[{"images": "${"a".repeat(5_000)}", "labels": "c"}]`),
    code: "ERR_JSON_SHAPE",
  },
  "escape.ndjson": { bytes: latin1(`{"index": ${ESCAPE}0}\n`), code: "ERR_PREDICTIONS_LINE" },
  "empty-columns.csv": { bytes: latin1(`${",".repeat(4_000)}\n`), code: "ERR_PREDICTIONS_LINE" },
  "long-name-twice.names.txt": {
    bytes: latin1(`${"a".repeat(2_000)}\n${"a".repeat(2_000)}\n`),
    code: "ERR_CLASSES_FILE",
  },
};

export const MALFORMED_NETWORKS: Readonly<Record<string, Malformed>> = {
  "memo-bomb.pkl": { bytes: pickled(LAUGHS), code: "ERR_PICKLE_LIMIT" },
  "depth-bomb.pkl": { bytes: pickled(`N${"\x85".repeat(4_000)}`), code: "ERR_NETWORK_FORMAT" },
  "text-of-4-gib.pkl": { bytes: pickled("X\xff\xff\xff\xff"), code: "ERR_PICKLE_TRUNCATED" },
  "hole.safetensors": {
    bytes: safetensors(`{"W1":${tensorAt(0, 4)},"b1":${tensorAt(8, 12)}}`, 12),
    code: "ERR_ARRAY_LAYOUT",
  },
  "overlap.safetensors": {
    bytes: safetensors(`{"W1":${tensorAt(0, 8)},"b1":${tensorAt(4, 12)}}`, 12),
    code: "ERR_ARRAY_LAYOUT",
  },
  "header-of-4-gib.safetensors": { bytes: safetensors("{}", 0, 2 ** 32 - 1), code: "ERR_SAFETENSORS_HEADER" },
  "duplicate-keys.safetensors": {
    bytes: safetensors(`{"W1":${tensorAt(0, 4)},"W1":${tensorAt(4, 8)}}`, 8),
    code: "ERR_SAFETENSORS_HEADER",
  },
  "zip-slip.npz": { bytes: npz({ "../../W1.npy": W1, "b1.npy": b1 }), code: "ERR_ZIP_NAME" },
  "absolute.npz": { bytes: npz({ "/tmp/W1.npy": W1, "b1.npy": b1 }), code: "ERR_ZIP_NAME" },
  "backslash.npz": { bytes: npz({ "..\\W1.npy": W1, "b1.npy": b1 }), code: "ERR_ZIP_NAME" },
  "duplicates.npz": {
    bytes: zipFile([W1, b1, W1].map((content, n) => ({ name: n === 1 ? "b1.npy" : "W1.npy", content }))),
    code: "ERR_ZIP_DUPLICATE",
  },
  "overlap.npz": {
    bytes: zipFile([
      { name: "W1.npy", content: Buffer.concat([npz({ "b1.npy": b1 }).subarray(0, 36 + b1.length)]) },
      { name: "b1.npy", content: b1, lies: { offset: 36 } },
    ]),
    code: "ERR_ZIP_OVERLAP",
  },
  "crc.npz": { bytes: npz({ "W1.npy": W1, "b1.npy": b1 }, { lies: { crc: 0 } }), code: "ERR_ZIP_CORRUPT" },
  "encrypted.npz": {
    bytes: npz({ "W1.npy": W1, "b1.npy": b1 }, { lies: { flags: 1 } }),
    code: "ERR_ZIP_UNSUPPORTED",
  },
  "several-disks.npz": {
    bytes: zipFile([{ name: "W1.npy", content: W1 }], { disk: 1 }),
    code: "ERR_ZIP_UNSUPPORTED",
  },
  "zip64-sizes.npz": {
    bytes: npz({ "W1.npy": W1 }, { lies: { unpackedBytes: 0xffffffff } }),
    code: "ERR_ZIP_UNSUPPORTED",
  },
  "claims-small-inflates-large.npz": {
    bytes: zipFile([
      { name: "W1.npy", content: ZEROS, deflated: true, lies: { unpackedBytes: W1.length } },
      { name: "b1.npy", content: b1 },
    ]),
    code: "ERR_NPY_LENGTH",
  },
  "claims-1-gib.npz": {
    bytes: zipFile([{ name: "W1.npy", content: W1, deflated: true, lies: { unpackedBytes: 2 ** 30 } }]),
    code: "ERR_ZIP_STRUCTURE",
  },
  "long-names.npz": {
    bytes: npz({ [`${"a".repeat(2_000)}.npy`]: W1, [`${"b".repeat(2_000)}.npy`]: W1 }),
    code: "ERR_NETWORK_KEYS",
  },
  "pytorch.npz": {
    bytes: npz({ "archive/data.pkl": Buffer.from("\x80\x02N.", "latin1") }),
    code: "ERR_NETWORK_FORMAT",
  },
  "external.onnx": {
    bytes: onnx({
      tensors: [
        tensor("w", [2, 2], [], [13, fields([1, "location"], [2, "../weights.bin"])], [14, 1]),
        tensor("b", [2], [5, 6]),
      ],
    }),
    code: "ERR_ONNX_EXTERNAL",
  },
  "cycle.onnx": {
    bytes: onnx({ nodes: [gemm(["z", "w", "b"], "h"), { op: "Relu", inputs: ["h"], output: "z" }] }),
    code: "ERR_ONNX_NODE",
  },
  "operator.onnx": {
    bytes: onnx({ nodes: [{ op: "LSTM", name: "lstm1", inputs: ["x", "w", "b"], output: "y" }] }),
    code: "ERR_ONNX_OPERATOR",
  },
  "domain.onnx": {
    bytes: onnx({ nodes: [{ ...gemm(["x", "w", "b"], "y"), domain: "com.microsoft" }] }),
    code: "ERR_ONNX_OPSET",
  },
  "truncated-varint.onnx": { bytes: Buffer.from([8, 0xff]), code: "ERR_ONNX_MALFORMED" },
  "truncated.onnx": { bytes: whole.subarray(0, 40), code: "ERR_ONNX_MALFORMED" },
  "groups.onnx": {
    bytes: Buffer.concat([Buffer.from([8, 8]), Buffer.alloc(4_000, 0x0b)]),
    code: "ERR_ONNX_MALFORMED",
  },
};

/** All of them, by their names. */
export const MALFORMED: Readonly<Record<string, Malformed>> = {
  ...MALFORMED_JOURNALS,
  ...MALFORMED_PARTS,
  ...MALFORMED_PICTURES,
  ...MALFORMED_IDX,
  ...MALFORMED_ARRAYS,
  ...MALFORMED_NETWORKS,
  ...MALFORMED_TORCH,
  ...MALFORMED_KERAS,
  ...MALFORMED_CSV,
  ...MALFORMED_JSON,
  ...MALFORMED_SETS,
  ...MALFORMED_DOCUMENTS,
};
