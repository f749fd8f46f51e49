/** Decodes an ONNX model of fully connected layers to named arrays, activations and preprocessing. */

import type { AssumptionSubject } from "#src/base/assumptions.js";
import type { Activation, Preprocessing } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import type { NamedArrays } from "#src/files/formats/arrays.js";
import { assumedIn } from "#src/networks/format.js";
import { readPreprocessing } from "#src/networks/recipe.js";
import { chainOf, type Step } from "./chain.js";
import { LayerBuilder } from "./layer-builder.js";
import { attributeOf, readModel, type Tensor, type Value } from "./model.js";
import { ATTRIBUTE_TYPE } from "./proto.js";
import { integersOf } from "./tensor.js";

/** Prefix of Batchwise's keys among a model's properties. */
export const KEY_PREFIX = "batchwise.";

export interface DecodedOnnx {
  /** W1 (inputs × outputs), b1 (outputs) … Wn, bn; a tensor that two layers use is one array. */
  readonly arrays: NamedArrays;
  /** Activation of every layer except the last. */
  readonly activations: readonly Activation[];
  readonly preprocessing: Preprocessing | undefined;
  /** Sizes of one image other than 1, if the input states at least two. */
  readonly imageSizes: readonly number[] | undefined;
  /** Subjects that the file's writer had to assume, by its properties. */
  readonly assumed: readonly AssumptionSubject[];
}

/**
 * Reads a chain of Gemm, or MatMul and Add, with Sigmoid, Relu or Tanh after all but the last. A Softmax at the end is
 * left out; Flatten and the like are followed. A division by 255 before the first layer is read as the preprocessing
 * `scale`; without one, the model's properties state it (`batchwise.normalize`, …). Elements are float32, float64, float16 or
 * bfloat16, in any field that onnx.proto has for them. `path` is for messages.
 *
 * Format: onnx/onnx.proto and docs/IR.md in github.com/onnx/onnx.
 *
 * @throws NetworkError ERR_ONNX_*, ERR_NETWORK_FORMAT for a property with an unknown value, ERR_WEIGHTS_SIZE
 */
export function decodeOnnx(path: string, bytes: Uint8Array): DecodedOnnx {
  const model = readModel(path, bytes);
  if (model.graphParts !== 1) {
    throw new NetworkError("ERR_ONNX_GRAPH", { path, expected: "one graph", found: `${model.graphParts}` });
  }
  const { input, steps } = chainOf(path, model);
  const builder = new LayerBuilder(path, input);
  for (const step of steps) applyStep(builder, step);
  const { arrays, activations, scaled } = builder.finish();
  const stated = readPreprocessing(path, model.metadata, KEY_PREFIX);
  const assumed = assumedIn(path, model.metadata, KEY_PREFIX);
  const facts = { arrays, activations, imageSizes: imageSizesOf(input), assumed };
  if (!scaled) return { ...facts, preprocessing: stated };
  if (stated !== undefined && stated.kind !== "none") {
    const expected = "pixels divided by 255 once";
    const found = `a division in the graph, and ${KEY_PREFIX}normalize = ${stated.kind}`;
    throw new NetworkError("ERR_ONNX_GRAPH", { path, expected, found });
  }
  return { ...facts, preprocessing: { kind: "scale" } };
}

/** A size of 1 is a channel, or one axis of flattened pixels. */
function imageSizesOf({ shape = [] }: Value): readonly number[] | undefined {
  const image = shape.slice(1);
  const sizes = image.flatMap((size) => (size === undefined || size === 1 ? [] : [size]));
  return sizes.length > 1 && !image.includes(undefined) ? sizes : undefined;
}

// Operators of a chain of fully connected layers (onnx/docs/Operators.md), and what each adds to the network.

/** Attributes whose value is one number. */
const SCALARS = new Set(["alpha", "beta", "transA", "transB", "axis", "allowzero"]);

type Apply = (builder: LayerBuilder, step: Step) => void;

const OPERATORS: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ["Gemm", gemm],
  ["MatMul", (builder, step) => builder.weights(step, constantAt(builder, step, 1), false)],
  ["Add", (builder, step) => builder.biases(step, otherConstant(builder, step))],
  ["Sigmoid", (builder, step) => builder.activation(step, "sigmoid")],
  ["Relu", (builder, step) => builder.activation(step, "relu")],
  ["Tanh", (builder, step) => builder.activation(step, "tanh")],
  ["Softmax", softmax],
  ["LogSoftmax", softmax],
  ["Flatten", flatten],
  ["Reshape", reshape],
  ["Identity", () => {}],
  ["Div", (builder, step) => builder.scale(step, constantAt(builder, step, 1), (divisor) => divisor === 255)],
  ["Mul", (builder, step) => builder.scale(step, otherConstant(builder, step), isOne255th)],
]);

/** Adds one operator to the network. @throws NetworkError ERR_ONNX_OPERATOR, ERR_ONNX_NODE, and faults of tensors */
export function applyStep(builder: LayerBuilder, step: Step): void {
  const apply = OPERATORS.get(step.node.operator);
  if (apply === undefined) {
    const facts = { node: step.name, operator: printable(step.node.operator), known: [...OPERATORS.keys()] };
    throw new NetworkError("ERR_ONNX_OPERATOR", { path: builder.path, ...facts });
  }
  for (const { name, type } of step.node.attributes) {
    if (SCALARS.has(name) && type > ATTRIBUTE_TYPE.integer)
      throw builder.fault(step, `${name} as one number`, "a list or another type");
  }
  apply(builder, step);
}

/** y (N,O) = x (N,I) · w + c; w (I,O), or (O,I) with transB; c (O) or (1,O), or none. */
function gemm(builder: LayerBuilder, step: Step): void {
  for (const [name, expected] of [
    ["alpha", 1],
    ["beta", 1],
    ["transA", 0],
  ] as const) {
    const found = numberOf(step, name) ?? expected;
    if (found !== expected) throw builder.fault(step, `${name} = ${expected}`, `${found}`);
  }
  const transposed = numberOf(step, "transB") ?? 0;
  builder.weights(step, constantAt(builder, step, 1), transposed !== 0);
  if (step.constants.length > 2) builder.biases(step, constantAt(builder, step, 2));
}

/** Softmax or its logarithm is left out: for both, the probabilities are the softmax of the logits. */
function softmax(builder: LayerBuilder, step: Step): void {
  const axis = numberOf(step, "axis") ?? -1;
  if (axis !== -1 && axis !== 1) throw builder.fault(step, "axis = -1 or 1", `${axis}`);
  builder.end(step);
}

function flatten(builder: LayerBuilder, step: Step): void {
  const axis = numberOf(step, "axis") ?? 1;
  if (axis !== 1) throw builder.fault(step, "axis = 1", `${axis}`);
  builder.flatten(step, undefined);
}

/** Reshape to (−1, width), (0, width), (0, −1) or (1, …): the rows stay and become flat. */
function reshape(builder: LayerBuilder, step: Step): void {
  const shape = integersOf(builder.path, constantAt(builder, step, 1));
  const [rows = 0, width = 0] = shape;
  const flat =
    shape.length === 2 && [-1, 0, 1].includes(rows) && (width > 0 || (width === -1 && rows !== -1));
  // With allowzero, which PyTorch 2.9 always writes, a 0 is not the size of the input's dimension.
  if (!flat || (shape.includes(0) && (numberOf(step, "allowzero") ?? 0) !== 0)) {
    throw builder.fault(step, "a shape (-1, inputs), which only flattens", `(${shape.join(", ")})`);
  }
  builder.flatten(step, width > 0 ? width : undefined);
}

/** True for 1 ÷ 255 in float64 or float32. The nearest float16 is not close enough for ÷ 255. */
export function isOne255th(factor: number): boolean {
  return factor === 1 / 255 || factor === Math.fround(1 / 255);
}

/** Returns the number of an attribute; zero for one without a value, which proto3 leaves out. */
function numberOf({ node }: Step, name: string): number | undefined {
  const attribute = attributeOf(node, name);
  return attribute === undefined ? undefined : (attribute.integer ?? attribute.float ?? 0);
}

function constantAt(builder: LayerBuilder, step: Step, index: number): Tensor {
  const tensor = step.constants[index];
  if (tensor !== undefined) return tensor;
  throw builder.fault(
    step,
    `a constant as input ${index + 1}`,
    index < step.constants.length ? "none" : "no such input",
  );
}

/** Returns the constant of an operator that takes its two inputs in either order. */
function otherConstant(builder: LayerBuilder, step: Step): Tensor {
  return constantAt(builder, step, step.constants[0] === undefined ? 1 : 0);
}
