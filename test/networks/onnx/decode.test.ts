/** ONNX models: what exporters write for a chain of fully connected layers, and each thing that is none. */
import test from "ava";
import type { ErrorCode } from "#src/base/errors.js";
import { decodeOnnx } from "#src/networks/onnx/operators.js";
import { inCase } from "../../helpers/in-case.js";
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
  model,
  type TestModel,
  type TestNode,
  tensor,
  value,
  varint,
} from "../../helpers/onnx.js";
import { coded, raw } from "../coded.js";

const read = (bytes: Uint8Array) => decodeOnnx("m.onnx", bytes);
/** w (2, 2) = 1 2 / 3 4, and b (2). */
const w = tensor("w", [2, 2], [1, 2, 3, 4]);
const b = tensor("b", [2], [5, 6]);
const gemm = (inputs: readonly string[], output: string, more: Partial<TestNode> = {}): TestNode => ({
  op: "Gemm",
  inputs,
  output,
  ...more,
});
const layer: TestModel = { nodes: [gemm(["x", "w", "b"], "y")], tensors: [w, b] };

/** The numbers of all arrays, by name. */
function numbers(bytes: Uint8Array): Record<string, number[]> {
  return Object.fromEntries([...read(bytes).arrays].map(([name, { data }]) => [name, [...data]]));
}

const ONE_LAYER = { W1: [1, 2, 3, 4], b1: [5, 6] };
const SAME: readonly (readonly [title: string, parts: TestModel])[] = [
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

test("reads one layer in each way that it can be written", async (t) => {
  for (const [title, parts] of SAME) {
    await inCase(t, `reads ${title}`, () => {
      t.deepEqual(numbers(model(parts)), ONE_LAYER);
      t.deepEqual(read(model(parts)).activations, []);
    });
  }
});

test("takes biases that are left out as zeros", (t) => {
  for (const node of [
    gemm(["x", "w"], "y"),
    gemm(["x", "w", ""], "y"),
    { ...gemm(["x", "w"], "y"), op: "MatMul" },
  ]) {
    t.deepEqual(numbers(model({ nodes: [node], tensors: [w] })), { W1: [1, 2, 3, 4], b1: [0, 0] });
  }
});

test("gives each layer its own activation, and shares what two layers share", (t) => {
  const { arrays, activations } = read(
    model({
      nodes: [
        gemm(["x", "w", "b"], "1"),
        { op: "Relu", inputs: ["1"], output: "2" },
        gemm(["2", "w", "b"], "3"),
        { op: "Tanh", inputs: ["3"], output: "4" },
        gemm(["4", "w", "b"], "5"),
        { op: "Sigmoid", inputs: ["5"], output: "6" },
        gemm(["6", "w"], "7"),
        gemm(["7", "w"], "y"),
      ],
      tensors: [w, b],
    }),
  );
  t.deepEqual(activations, ["relu", "tanh", "sigmoid", "identity"]);
  t.is(arrays.get("W1"), arrays.get("W5"));
  t.is(arrays.get("b4"), arrays.get("b5"));
});

test("takes the preprocessing from a division by 255, or from a property", (t) => {
  const scaled = (op: string, factor: Buffer, inputs: readonly string[]) =>
    model({
      ...layer,
      nodes: [{ op, inputs, output: "p" }, gemm(["p", "w", "b"], "y")],
      tensors: [w, b, factor],
    });
  t.is(read(model(layer)).preprocessing, undefined);
  t.deepEqual(read(model({ ...layer, metadata: { "batchwise.normalize": "none" } })).preprocessing, {
    kind: "none",
  });
  t.deepEqual(read(scaled("Div", tensor("c", [], [255]), ["x", "c"])).preprocessing, { kind: "scale" });
  t.deepEqual(read(scaled("Mul", tensor("c", [1], [1 / 255]), ["c", "x"])).preprocessing, { kind: "scale" });
  const exact = fields([2, DOUBLE], [8, "c"], [9, doubles([1 / 255])]);
  t.deepEqual(read(scaled("Mul", exact, ["x", "c"])).preprocessing, { kind: "scale" });
});

test("takes the numbers of a recipe from properties, and refuses them where they are no numbers", (t) => {
  const recipe = (std: string) => ({
    ...layer,
    metadata: { "batchwise.normalize": "standardize", "batchwise.mean": "0.13", "batchwise.std": std },
  });
  t.deepEqual(read(model(recipe("0.3"))).preprocessing, { kind: "standardize", mean: 0.13, std: 0.3 });
  const { facts } = coded(t, () => read(model(recipe("0"))), "ERR_RECIPE");
  t.like(facts, { key: "batchwise.std" });
});

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

const REFUSED: readonly (readonly [title: string, parts: TestModel, code: ErrorCode, found: RegExp])[] = [
  [
    "a convolution, by name",
    { ...layer, nodes: [{ op: "Conv", inputs: ["x", "w"], output: "y", name: "conv1" }] },
    "ERR_ONNX_OPERATOR",
    /node "conv1": .*found Conv; --engine onnx evaluates other models/,
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
    "a last layer with an activation",
    two(gemm(["x", "w", "b"], "h"), relu("h", "y")),
    "ERR_ONNX_GRAPH",
    /a last layer with relu/,
  ],
  [
    "a circle",
    two(gemm(["z", "w", "b"], "y"), relu("y", "z")),
    "ERR_ONNX_NODE",
    /"z", which none of them gives; .*circle/,
  ],
  ["a node that reads itself", { ...layer, nodes: [gemm(["y", "w", "b"], "y")] }, "ERR_ONNX_NODE", /circle/],
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
    /"w" again/,
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
  [
    "biases twice",
    two(gemm(["x", "w", "b"], "h"), { op: "Add", inputs: ["h", "b"], output: "y" }),
    "ERR_ONNX_NODE",
    /one addition a layer/,
  ],
  [
    "layers that do not chain",
    two(gemm(["x", "w", "b"], "h"), gemm(["h", "v"], "y"), {
      tensors: [w, b, tensor("v", [3, 2], [1, 2, 3, 4, 5, 6])],
    }),
    "ERR_ONNX_NODE",
    /weights \(2, outputs\), found \(3, 2\)/,
  ],
  [
    "an activation before any layer",
    two(relu("x", "h"), gemm(["h", "w", "b"], "y")),
    "ERR_ONNX_NODE",
    /Gemm or MatMul before it, found none/,
  ],
  [
    "two activations of a layer",
    {
      nodes: [gemm(["x", "w", "b"], "1"), relu("1", "2"), relu("2", "3"), gemm(["3", "w"], "y")],
      tensors: [w, b],
    },
    "ERR_ONNX_NODE",
    /found relu/,
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
    "a division by 256",
    preprocessed("Div", tensor("c", [], [256])),
    "ERR_ONNX_NODE",
    /division by 255.*of 256/,
  ],
  [
    "a division of each pixel",
    preprocessed("Div", tensor("c", [2], [255, 255])),
    "ERR_ONNX_NODE",
    /division by 255/,
  ],
  [
    "a factor that is not 1/255",
    preprocessed("Mul", tensor("c", [], [0.5])),
    "ERR_ONNX_NODE",
    /division by 255/,
  ],
  [
    "a factor behind a layer",
    two(
      gemm(["x", "w", "b"], "h"),
      { op: "Mul", inputs: ["h", "c"], output: "y" },
      { tensors: [w, b, tensor("c", [], [1 / 255])] },
    ),
    "ERR_ONNX_NODE",
    /one scaling, of the input/,
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
    weights(fields([1, 1], [1, 1], [2, FLOAT16], [5, varint(0x10000)], [8, "w"])),
    "ERR_ONNX_TENSOR",
    /16 bits/,
  ],
  [
    "more float16 than the shape has",
    weights(fields([1, 1], [1, 1], [2, FLOAT16], [5, raw("\0\0")], [8, "w"])),
    "ERR_ONNX_LIMIT",
    /at most 1 elements/,
  ],
];

test("refuses each graph that is no chain of layers, and names what it found", async (t) => {
  for (const [title, parts, code, found] of REFUSED) {
    await inCase(t, `refuses ${title}`, () => {
      const { message } = coded(t, () => read(model(parts)), code);
      t.regex(message, found);
      t.true(message.length < 300, message);
    });
  }
});

test("refuses more than 1,000 layers, and reads as many", (t) => {
  const deep = (count: number) => {
    const nodes = Array.from({ length: count }, (_, n) =>
      gemm([n === 0 ? "x" : `${n}`, "w"], n === count - 1 ? "y" : `${n + 1}`),
    );
    return model({ nodes, tensors: [w] });
  };
  t.is(read(deep(1_000)).activations.length, 999);
  coded(t, () => read(deep(1_001)), "ERR_ONNX_LIMIT");
});

const MALFORMED: readonly (readonly [title: string, bytes: Uint8Array, code: ErrorCode])[] = [
  ["a varint that the file cuts", raw("\x08\xff\xff"), "ERR_ONNX_MALFORMED"],
  ["a varint without end", raw("\x08", "\xff".repeat(11)), "ERR_ONNX_MALFORMED"],
  ["a length beyond the file", raw("\x08\x08\x3a\xff\x01"), "ERR_ONNX_MALFORMED"],
  ["a length of 4 GiB", raw("\x08\x08\x3a\xff\xff\xff\xff\x0f"), "ERR_ONNX_MALFORMED"],
  ["a field of number zero", raw("\x08\x08\x00\x00"), "ERR_ONNX_MALFORMED"],
  ["groups, however deep", raw("\x08\x08", "\x0b".repeat(100_000)), "ERR_ONNX_MALFORMED"],
  ["a graph that is a number", raw("\x08\x08\x38\x01"), "ERR_ONNX_MALFORMED"],
  ["a graph that ends within a node", raw("\x08\x08\x3a\x02\x0a\x05"), "ERR_ONNX_MALFORMED"],
  [
    "a name that is not UTF-8",
    fields([1, 8], [7, fields([1, fields([1, raw("\xff")])])]),
    "ERR_ONNX_MALFORMED",
  ],
  ["a model without a graph", fields([1, 8]), "ERR_ONNX_GRAPH"],
  ["a model with two graphs", fields([1, 8], [7, ""], [7, ""]), "ERR_ONNX_GRAPH"],
  ["50,001 fields", raw("\x08\x08".repeat(50_001)), "ERR_ONNX_LIMIT"],
  ["50,000 empty nodes", fields([1, 8], [7, raw("\x0a\x00".repeat(50_000))]), "ERR_ONNX_LIMIT"],
];

test("refuses each malformed file with its code", async (t) => {
  for (const [title, bytes, code] of MALFORMED) {
    await inCase(t, `refuses ${title}`, () => {
      coded(t, () => read(bytes), code);
    });
  }
});

test("names the byte at fault", (t) => {
  const error = coded(t, () => read(raw("\x08\x08\x3a\x02\x0a\x05")), "ERR_ONNX_MALFORMED");
  t.deepEqual(error.facts, {
    path: "m.onnx",
    offset: 5,
    expected: "a length and as many bytes",
    found: "the end of its message",
  });
});
