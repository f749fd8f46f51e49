/** ONNX graphs that are no chain of layers, and what is said of each. */
import type { ErrorCode } from "#src/base/errors.js";
import {
  fields,
  floatAttribute,
  intAttribute,
  type TestModel,
  type TestNode,
  tensor,
  value,
} from "../../helpers/onnx.js";
import { b, gemm, layer, w } from "./one-layer.js";

const two = (first: TestNode, second: TestNode, more: Partial<TestModel> = {}): TestModel => ({
  nodes: [first, second],
  tensors: [w, b],
  ...more,
});
const relu = (input: string, output: string): TestNode => ({ op: "Relu", inputs: [input], output });
const attribute = (...attributes: readonly Buffer[]): TestModel => ({
  ...layer,
  nodes: [gemm(["x", "w", "b"], "y", { attributes })],
});

export const REFUSED_GRAPHS: readonly (readonly [
  title: string,
  parts: TestModel,
  code: ErrorCode,
  found: RegExp,
])[] = [
  [
    "a recurrent layer, by name",
    { ...layer, nodes: [{ op: "LSTM", inputs: ["x", "w"], output: "y", name: "lstm1" }] },
    "ERR_ONNX_OPERATOR",
    /node "lstm1": .*found LSTM; --engine onnx evaluates other models/,
  ],
  [
    "an operator of another domain",
    { ...layer, nodes: [gemm(["x", "w", "b"], "y", { domain: "com.microsoft" })] },
    "ERR_ONNX_OPSET",
    /com\.microsoft/,
  ],
  ["no opset", { ...layer, opsets: [] }, "ERR_ONNX_OPSET", /found none/],
  ["an opset in which Gemm was another", { ...layer, opsets: [["", 6]] }, "ERR_ONNX_OPSET", /found 6/],
  [
    "two inputs",
    { ...layer, inputs: [value("x", ["N", 2]), value("z", ["N", 2])] },
    "ERR_ONNX_GRAPH",
    /one input, found 2: x, z/,
  ],
  ["no input", { ...layer, inputs: [] }, "ERR_ONNX_GRAPH", /one input, found none/],
  [
    "two outputs",
    { ...layer, outputs: [value("y", ["N", 2]), value("x", ["N", 2])] },
    "ERR_ONNX_GRAPH",
    /one output, found 2/,
  ],
  [
    "an output that no node gives",
    { ...layer, outputs: [value("z", ["N", 2])] },
    "ERR_ONNX_GRAPH",
    /the output "y"/,
  ],
  [
    "an output before the last node",
    two(gemm(["x", "w", "b"], "y"), relu("y", "z")),
    "ERR_ONNX_GRAPH",
    /the output "z"/,
  ],
  ["no node", { ...layer, nodes: [], outputs: [value("x", ["N", 2])] }, "ERR_ONNX_GRAPH", /no layer/],
  [
    "a circle",
    two(gemm(["z", "w", "b"], "y"), relu("y", "z")),
    "ERR_ONNX_NODE",
    /"z", which no node before it gives; .*cycle/,
  ],
  ["a node that reads itself", { ...layer, nodes: [gemm(["y", "w", "b"], "y")] }, "ERR_ONNX_NODE", /cycle/],
  [
    "a branch",
    two(gemm(["x", "w", "b"], "h"), { op: "Add", inputs: ["h", "x"], output: "y" }),
    "ERR_ONNX_NODE",
    /found h, x/,
  ],
  [
    "a node that reads past the one before it",
    two(gemm(["x", "w", "b"], "h"), gemm(["x", "w", "b"], "y")),
    "ERR_ONNX_NODE",
    /"h" and constants/,
  ],
  [
    "a node that reads constants alone",
    { ...layer, nodes: [gemm(["b", "w", "b"], "y")] },
    "ERR_ONNX_NODE",
    /"x" and constants/,
  ],
  [
    "a name given twice",
    two(gemm(["x", "w", "b"], "w"), gemm(["w", "w", "b"], "y")),
    "ERR_ONNX_NODE",
    /"w" twice/,
  ],
  [
    "a node without an output",
    { ...layer, nodes: [gemm(["x", "w", "b"], "")] },
    "ERR_ONNX_NODE",
    /one output/,
  ],
  ["two initializers of one name", { ...layer, tensors: [w, w, b] }, "ERR_ONNX_GRAPH", /"w" twice/],
  [
    "an initializer without a name",
    { ...layer, tensors: [w, b, tensor("", [1], [1])] },
    "ERR_ONNX_GRAPH",
    /one without/,
  ],
  [
    "a Constant without a tensor",
    { ...layer, nodes: [{ op: "Constant", inputs: [], output: "c" }, ...layer.nodes] },
    "ERR_ONNX_NODE",
    /a constant with a tensor/,
  ],
  ["an input of bytes", { ...layer, inputs: [value("x", ["N", 2], 2)] }, "ERR_ONNX_GRAPH", /found type 2/],
  [
    "an input that is no tensor",
    { ...layer, inputs: [fields([1, "x"], [2, fields([4, ""])])] },
    "ERR_ONNX_GRAPH",
    /found no tensor/,
  ],
  [
    "an input of another width",
    { ...layer, inputs: [value("x", ["N", 3])] },
    "ERR_ONNX_NODE",
    /\(N, 2\), found \(\?, 3\)/,
  ],
  [
    "an input of images without Flatten",
    { ...layer, inputs: [value("x", ["N", 1, 2])] },
    "ERR_ONNX_NODE",
    /found \(\?, 1, 2\)/,
  ],
  ["alpha", attribute(floatAttribute("alpha", 0.5)), "ERR_ONNX_NODE", /alpha = 1, found 0\.5/],
  ["beta", attribute(floatAttribute("beta", 0)), "ERR_ONNX_NODE", /beta = 1, found 0/],
  ["transA", attribute(intAttribute("transA", 1)), "ERR_ONNX_NODE", /transA = 0, found 1/],
  [
    "weights that are computed",
    { ...layer, nodes: [gemm(["w", "x", "b"], "y")] },
    "ERR_ONNX_NODE",
    /a constant as input 2, found none/,
  ],
  ["Gemm without weights", { ...layer, nodes: [gemm(["x"], "y")] }, "ERR_ONNX_NODE", /no such input/],
  [
    "weights that are a vector",
    { ...layer, nodes: [gemm(["x", "b", "b"], "y")] },
    "ERR_ONNX_NODE",
    /weights \(inputs, outputs\), found \(2,\)/,
  ],
  [
    "biases of another length",
    { ...layer, tensors: [w, tensor("b", [1], [1])] },
    "ERR_ONNX_NODE",
    /biases \(2,\), found \(1,\)/,
  ],
  [
    "biases of two rows",
    { ...layer, tensors: [w, tensor("b", [2, 2], [1, 2, 3, 4])] },
    "ERR_ONNX_NODE",
    /biases/,
  ],
];
