/** ONNX models of one layer y = x · w + b, in each way that it can be written. */
import {
  DOUBLE,
  doubles,
  FLOAT,
  FLOAT16,
  fields,
  floatAttribute,
  floats,
  INT64,
  int64s,
  intAttribute,
  type TestModel,
  type TestNode,
  tensor,
  value,
  varint,
} from "../../helpers/onnx.js";
import { raw } from "../coded.js";

/** w (2, 2) = 1 2 / 3 4, and b (2). */
export const w = tensor("w", [2, 2], [1, 2, 3, 4]);
export const b = tensor("b", [2], [5, 6]);
export const gemm = (inputs: readonly string[], output: string, more: Partial<TestNode> = {}): TestNode => ({
  op: "Gemm",
  inputs,
  output,
  ...more,
});
export const layer: TestModel = { nodes: [gemm(["x", "w", "b"], "y")], tensors: [w, b] };

export const ONE_LAYER_MODELS: readonly (readonly [title: string, parts: TestModel])[] = [
  ["Gemm", layer],
  [
    "Gemm with its defaults said",
    {
      ...layer,
      nodes: [
        gemm(["x", "w", "b"], "y", {
          attributes: [
            floatAttribute("alpha", 1),
            floatAttribute("beta", 1),
            intAttribute("transA", 0),
            intAttribute("transB", 0),
          ],
        }),
      ],
    },
  ],
  [
    "Gemm with transposed weights, as PyTorch writes it",
    {
      nodes: [gemm(["x", "w", "b"], "y", { attributes: [intAttribute("transB", 1)] })],
      tensors: [tensor("w", [2, 2], [1, 3, 2, 4]), b],
    },
  ],
  [
    "an attribute that proto3 leaves without its zero",
    {
      ...layer,
      nodes: [gemm(["x", "w", "b"], "y", { attributes: [fields([1, "transB"], [20, 2])] })],
    },
  ],
  [
    "MatMul and Add",
    {
      nodes: [
        { op: "MatMul", inputs: ["x", "w"], output: "s" },
        { op: "Add", inputs: ["s", "b"], output: "y" },
      ],
      tensors: [w, b],
    },
  ],
  [
    "Add with the biases first, as one row",
    {
      nodes: [
        { op: "MatMul", inputs: ["x", "w"], output: "s" },
        { op: "Add", inputs: ["b", "s"], output: "y" },
      ],
      tensors: [w, tensor("b", [1, 2], [5, 6])],
    },
  ],
  [
    "Flatten before, and Softmax and Identity behind",
    {
      nodes: [
        { op: "Flatten", inputs: ["x"], output: "f", attributes: [intAttribute("axis", 1)] },
        gemm(["f", "w", "b"], "s"),
        { op: "Identity", inputs: ["s"], output: "i" },
        { op: "Softmax", inputs: ["i"], output: "y", attributes: [intAttribute("axis", 1)] },
      ],
      tensors: [w, b],
      inputs: [value("x", ["N", 1, 2, 1])],
    },
  ],
  [
    "Reshape to rows, by an initializer",
    {
      nodes: [{ op: "Reshape", inputs: ["x", "shape"], output: "f" }, gemm(["f", "w", "b"], "y")],
      tensors: [w, b, int64s("shape", [-1, 2])],
      inputs: [value("x", ["N", 1, 2])],
    },
  ],
  [
    "Reshape to rows, by a Constant",
    {
      nodes: [
        {
          op: "Constant",
          inputs: [],
          output: "shape",
          attributes: [
            fields(
              [1, "value"],
              [
                5,
                fields([1, 2], [2, INT64], [9, raw("\0\0\0\0\0\0\0\0", "\xff\xff\xff\xff\xff\xff\xff\xff")]),
              ],
              [20, 4],
            ),
          ],
        },
        { op: "Reshape", inputs: ["x", "shape"], output: "f" },
        gemm(["f", "w", "b"], "y"),
      ],
      tensors: [w, b],
    },
  ],
  [
    "initializers among the inputs, as IR version 3 had them",
    {
      ...layer,
      inputs: [value("x", ["N", 2]), value("w", [2, 2]), value("b", [2])],
    },
  ],
  [
    "ONNX's domain by its long name",
    { ...layer, opsets: [["ai.onnx", 13]], nodes: [gemm(["x", "w", "b"], "y", { domain: "ai.onnx" })] },
  ],
  [
    "opsets of other domains that no node is of, as tf2onnx and skl2onnx import them",
    {
      ...layer,
      opsets: [
        ["ai.onnx.ml", 2],
        ["", 13],
        ["com.microsoft", 1],
      ],
    },
  ],
  [
    "Reshape with allowzero and no zero, as PyTorch 2.9 writes it",
    {
      nodes: [
        { op: "Reshape", inputs: ["x", "s"], output: "f", attributes: [intAttribute("allowzero", 1)] },
        gemm(["f", "w", "b"], "y"),
      ],
      tensors: [w, b, int64s("s", [-1, 2])],
    },
  ],
  [
    "LogSoftmax at the end",
    {
      nodes: [
        gemm(["x", "w", "b"], "s"),
        { op: "LogSoftmax", inputs: ["s"], output: "y", attributes: [intAttribute("axis", 1)] },
      ],
      tensors: [w, b],
    },
  ],
  ["an input of unknown width", { ...layer, inputs: [value("x", ["N", "M"])] }],
  ["an input of float64", { ...layer, inputs: [value("x", ["N", 2], DOUBLE)] }],
  [
    "float_data",
    { ...layer, tensors: [fields([1, 2], [1, 2], [2, FLOAT], [4, floats([1, 2, 3, 4])], [8, "w"]), b] },
  ],
  [
    "packed dimensions",
    { ...layer, tensors: [fields([1, raw("\x02\x02")], [2, FLOAT], [8, "w"], [9, floats([1, 2, 3, 4])]), b] },
  ],
  [
    "double_data",
    { ...layer, tensors: [fields([1, 2], [1, 2], [2, DOUBLE], [10, doubles([1, 2, 3, 4])], [8, "w"]), b] },
  ],
  [
    "float64 in raw_data",
    { ...layer, tensors: [fields([1, 2], [1, 2], [2, DOUBLE], [9, doubles([1, 2, 3, 4])], [8, "w"]), b] },
  ],
  [
    "float16 in raw_data",
    {
      ...layer,
      tensors: [fields([1, 2], [1, 2], [2, FLOAT16], [9, raw("\0\x3c\0\x40\0\x42\0\x44")], [8, "w"]), b],
    },
  ],
  [
    "float16 in int32_data",
    {
      ...layer,
      tensors: [
        fields(
          [1, 2],
          [1, 2],
          [2, FLOAT16],
          [5, Buffer.concat([0x3c00, 0x4000, 0x4200, 0x4400].map(varint))],
          [8, "w"],
        ),
        b,
      ],
    },
  ],
];
