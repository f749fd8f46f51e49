/** ONNX nodes and tensors that are none of a chain of layers, and what is said of each. */
import type { ErrorCode } from "#src/base/errors.js";
import {
  FLOAT,
  FLOAT16,
  fields,
  floats,
  INT64,
  int64s,
  intAttribute,
  intsAttribute,
  type TestModel,
  type TestNode,
  tensor,
  varint,
} from "../../helpers/onnx.js";
import { raw } from "../coded.js";
import { b, gemm, layer, w } from "./one-layer.js";

const two = (first: TestNode, second: TestNode, more: Partial<TestModel> = {}): TestModel => ({
  nodes: [first, second],
  tensors: [w, b],
  ...more,
});
const weights = (bytes: Buffer): TestModel => ({ ...layer, tensors: [bytes, b] });
const preprocessed = (op: string, constant: Buffer, more: Partial<TestModel> = {}): TestModel => ({
  ...layer,
  nodes: [{ op, inputs: ["x", "c"], output: "p" }, gemm(["p", "w", "b"], "y")],
  tensors: [w, b, constant],
  ...more,
});
const reshaped = (shape: Buffer, attributes: readonly Buffer[] = []): TestModel =>
  two({ op: "Reshape", inputs: ["x", "s"], output: "f", attributes }, gemm(["f", "w", "b"], "y"), {
    tensors: [w, b, shape],
  });

export const REFUSED_NODES: readonly (readonly [
  title: string,
  parts: TestModel,
  code: ErrorCode,
  found: RegExp,
])[] = [
  [
    "layers that do not chain",
    two(gemm(["x", "w", "b"], "h"), gemm(["h", "v"], "y"), {
      tensors: [w, b, tensor("v", [3, 2], [1, 2, 3, 4, 5, 6])],
    }),
    "ERR_ONNX_NODE",
    /weights \(2, outputs\), found \(3, 2\)/,
  ],
  [
    "Softmax within the network",
    {
      nodes: [
        gemm(["x", "w", "b"], "1"),
        { op: "Softmax", inputs: ["1"], output: "2" },
        gemm(["2", "w"], "y"),
      ],
      tensors: [w, b],
    },
    "ERR_ONNX_NODE",
    /Softmax as the last/,
  ],
  [
    "Softmax over images",
    two(gemm(["x", "w", "b"], "h"), {
      op: "Softmax",
      inputs: ["h"],
      output: "y",
      attributes: [intAttribute("axis", 0)],
    }),
    "ERR_ONNX_NODE",
    /axis = -1 or 1/,
  ],
  [
    "Flatten of the images together",
    two(
      { op: "Flatten", inputs: ["x"], output: "f", attributes: [intAttribute("axis", 0)] },
      gemm(["f", "w", "b"], "y"),
    ),
    "ERR_ONNX_NODE",
    /axis = 1, found 0/,
  ],
  [
    "transB as a list",
    {
      nodes: [{ ...gemm(["x", "w", "b"], "y"), attributes: [intsAttribute("transB", [1])] }],
      tensors: [w, b],
    },
    "ERR_ONNX_NODE",
    /expected transB as one number, found a list or another type/,
  ],
  ["Reshape to one dimension", reshaped(int64s("s", [-1])), "ERR_ONNX_NODE", /only flattens, found \(-1\)/],
  ["Reshape to another width", reshaped(int64s("s", [-1, 4])), "ERR_ONNX_NODE", /rows of 2, found 4/],
  [
    "Reshape with zeros that are sizes",
    reshaped(int64s("s", [0, 2]), [intAttribute("allowzero", 1)]),
    "ERR_ONNX_NODE",
    /only flattens/,
  ],
  ["Reshape by floats", reshaped(tensor("s", [2], [-1, 2])), "ERR_ONNX_TENSOR", /int64, found type 1/],
  [
    "Reshape by fewer numbers than it says",
    reshaped(fields([1, 3], [2, INT64], [7, raw("\x01\x02")], [8, "s"])),
    "ERR_ONNX_TENSOR",
    /3 elements/,
  ],
  [
    "a division beside a property that says so too",
    preprocessed("Div", tensor("c", [], [255]), { metadata: { "batchwise.normalize": "scale" } }),
    "ERR_ONNX_GRAPH",
    /divided by 255 once/,
  ],
  [
    "a division beside a property that says more",
    preprocessed("Div", tensor("c", [], [255]), {
      metadata: { "batchwise.normalize": "whiten-zca", "batchwise.epsilon": "1", "batchwise.folded": "true" },
    }),
    "ERR_ONNX_GRAPH",
    /whiten-zca/,
  ],
  [
    "a property of ours that means nothing",
    { ...layer, metadata: { "batchwise.normalize": "whiten" } },
    "ERR_NETWORK_FORMAT",
    /"whiten"/,
  ],
  [
    "external data by its location",
    weights(tensor("w", [2, 2], [], [14, 1])),
    "ERR_ONNX_EXTERNAL",
    /tensor "w"/,
  ],
  [
    "external data by its file",
    weights(tensor("w", [2, 2], [1, 2, 3, 4], [13, fields([1, "location"], [2, "../../etc/passwd"])])),
    "ERR_ONNX_EXTERNAL",
    /another file/,
  ],
  [
    "weights of whole numbers",
    weights(fields([1, 2], [1, 2], [2, INT64], [8, "w"])),
    "ERR_ONNX_TENSOR",
    /found type 7/,
  ],
  [
    "fewer elements than the shape has",
    weights(tensor("w", [2, 2], [1, 2, 3])),
    "ERR_ONNX_TENSOR",
    /16 bytes for shape \(2, 2\) of float32, found 12/,
  ],
  [
    "more elements than the shape has",
    weights(tensor("w", [2, 2], [1, 2, 3, 4, 5])),
    "ERR_ONNX_TENSOR",
    /found 20/,
  ],
  [
    "elements in two fields",
    weights(tensor("w", [2, 2], [1, 2, 3, 4], [4, floats([1, 2, 3, 4])])),
    "ERR_ONNX_TENSOR",
    /one field/,
  ],
  ["a negative dimension", weights(tensor("w", [-2, -2], [1, 2, 3, 4])), "ERR_ONNX_TENSOR", /sizes/],
  [
    "a shape that claims terabytes",
    weights(tensor("w", [2 ** 20, 2 ** 20], [])),
    "ERR_WEIGHTS_SIZE",
    /bytes of weights/,
  ],
  ["65 dimensions", weights(tensor("w", Array(65).fill(1), [1])), "ERR_ONNX_TENSOR", /at most 64 dimensions/],
  [
    "65 packed dimensions",
    weights(fields([1, new Uint8Array(65)], [2, FLOAT], [8, "w"])),
    "ERR_ONNX_LIMIT",
    /dimensions/,
  ],
  [
    "float16 of more than 16 bits",
    weights(fields([1, 2], [1, 2], [2, FLOAT16], [5, raw(varint(0x10000), "\0\0\0")], [8, "w"])),
    "ERR_ONNX_TENSOR",
    /16 bits/,
  ],
  [
    "more float16 than the shape has",
    weights(fields([1, 2], [1, 2], [2, FLOAT16], [5, raw("\0\0\0\0\0")], [8, "w"])),
    "ERR_ONNX_LIMIT",
    /at most 4 elements/,
  ],
];
