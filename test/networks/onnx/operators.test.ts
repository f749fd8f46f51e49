/** ONNX models: what exporters write for a chain of fully connected layers, and each thing that is none. */
import test from "ava";
import type { ErrorCode } from "#src/base/errors.js";
import { denseLayers } from "#src/networks/chain.js";
import { decodeOnnx } from "#src/networks/onnx/decode.js";
import { inCase } from "../../helpers/in-case.js";
import { DOUBLE, doubles, fields, model, tensor, value } from "../../helpers/onnx.js";
import { coded, raw } from "../coded.js";
import { b, gemm, layer, ONE_LAYER_MODELS, w } from "./one-layer.js";
import { REFUSED_GRAPHS } from "./refused-graphs.js";
import { REFUSED_MAPS } from "./refused-maps.js";
import { REFUSED_NODES } from "./refused-nodes.js";

const read = (bytes: Uint8Array) => decodeOnnx("m.onnx", bytes);
/** Weights and biases of all layers. */
function numbers(bytes: Uint8Array): Record<string, number[]> {
  const layers = denseLayers({ name: "m.onnx", layers: read(bytes).layers }, "test them");
  const named = layers.flatMap(({ weights, biases }, n) => [
    [`W${n + 1}`, [...weights]],
    [`b${n + 1}`, [...biases]],
  ]);
  return Object.fromEntries(named);
}
const activations = (bytes: Uint8Array) => read(bytes).layers.map(({ activation }) => activation);

const ONE_LAYER = { W1: [1, 2, 3, 4], b1: [5, 6] };

test("reads one layer in each way that it can be written", async (t) => {
  for (const [title, parts] of ONE_LAYER_MODELS) {
    await inCase(t, `reads ${title}`, () => {
      t.deepEqual(numbers(model(parts)), ONE_LAYER);
      t.deepEqual(activations(model(parts)), ["identity"]);
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

test("gives each layer its own activation", (t) => {
  const found = activations(
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
  t.deepEqual(found, ["relu", "tanh", "sigmoid", "identity", "identity"]);
});

test("takes rows and columns of an image from the input, if it states both", (t) => {
  const flatten = { op: "Flatten", inputs: ["x"], output: "f" };
  const shaped = (...sizes: (number | string)[]) =>
    read(
      model({
        nodes: [flatten, gemm(["f", "w6"], "y")],
        tensors: [W6],
        inputs: [value("x", ["N", ...sizes])],
      }),
    );
  const W6 = tensor("w6", [6, 2], [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
  t.is(read(model(layer)).imageSizes, undefined);
  for (const sizes of [
    [2, 3],
    [1, 2, 3],
    [2, 3, 1],
  ])
    t.deepEqual(shaped(...sizes).imageSizes, [2, 3]);
  for (const sizes of [[6], [1, 6], [6, 1, 1], [1, "rows", 3], ["rows", "columns"]]) {
    t.is(shaped(...sizes).imageSizes, undefined, `${sizes}`);
  }
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

test("refuses each graph that is no chain of layers, and names what it found", async (t) => {
  for (const [title, parts, code, found] of [...REFUSED_GRAPHS, ...REFUSED_NODES]) {
    await inCase(t, `refuses ${title}`, () => {
      const { message } = coded(t, () => read(model(parts)), code);
      t.regex(message, found);
      t.true(message.length < 300, message);
    });
  }
});

test("refuses each node of maps that is none of a chain", async (t) => {
  for (const [title, bytes, code, found] of REFUSED_MAPS) {
    await inCase(t, `refuses ${title}`, () => {
      t.regex(coded(t, () => read(bytes), code).message, found);
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
  t.is(read(deep(1_000)).layers.length, 1_000);
  coded(t, () => read(deep(1_001)), "ERR_NETWORK_LAYER");
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
