/** The files of fixtures/malformed that others' tools would not write: how each is made, and what is said of it. */
import type { ErrorCode } from "../../src/errors.js";
import { npyDict, npyFile, npyFloats } from "./npy.js";
import { fields, model, type TestModel, type TestNode, tensor } from "./onnx.js";
import { type TestEntry, zipFile } from "./zip.js";

interface Malformed {
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

export const MALFORMED_NETWORKS: Readonly<Record<string, Malformed>> = {
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
    bytes: onnx({ nodes: [{ op: "Conv", name: "conv1", inputs: ["x", "w", "b"], output: "y" }] }),
    code: "ERR_ONNX_OPERATOR",
  },
  "domain.onnx": {
    bytes: onnx({
      opsets: [
        ["", 13],
        ["com.microsoft", 1],
      ],
    }),
    code: "ERR_ONNX_OPSET",
  },
  "truncated-varint.onnx": { bytes: Buffer.from([8, 0xff]), code: "ERR_ONNX_MALFORMED" },
  "truncated.onnx": { bytes: whole.subarray(0, 40), code: "ERR_ONNX_MALFORMED" },
  "groups.onnx": {
    bytes: Buffer.concat([Buffer.from([8, 8]), Buffer.alloc(4_000, 0x0b)]),
    code: "ERR_ONNX_MALFORMED",
  },
};
