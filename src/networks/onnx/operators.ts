/** Operators of chains (onnx/docs/Operators.md), and what each adds to the network. Those of maps are in maps.ts. */
import type { Activation } from "#src/base/contracts/network.js";
import { shapeText } from "#src/base/errors/define.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { transpose } from "#src/files/formats/arrays.js";
import { ONE } from "./axes.js";
import type { Step } from "./chain.js";
import { isFloat } from "./constant.js";
import { MAP_OPERATORS } from "./maps.js";
import { attributeOf } from "./model.js";
import { ATTRIBUTE_TYPE } from "./proto.js";
import {
  type Apply,
  assertFloats,
  constantAt,
  floatsOf,
  type Given,
  numberOf,
  perChannel,
  type ReadStep,
  SHAPE_OPERATORS,
} from "./step.js";
import type { Stream } from "./stream.js";

/** Attributes whose value is one number. */
const SCALARS = new Set([
  "alpha",
  "beta",
  "transA",
  "transB",
  "axis",
  "allowzero",
  "group",
  "ceil_mode",
  "epsilon",
]);
/** α and γ of SELU (arxiv.org/abs/1706.02515), as ONNX has them. */
const SELU = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 };
const SELU_TOLERANCE = 1e-6;
/** Bounds of float32: a Clip to these changes nothing. */
const LARGEST_FLOAT = 3.4028234e38;

/** Operators that leave the numbers as they are. */
const KEEP: Apply = () => {};

const OPERATORS: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ["Gemm", gemm],
  ["MatMul", (stream, step) => dense(stream, step, { weights: constantAt(stream, step, 1) })],
  ["Add", arithmetic],
  ["Sub", arithmetic],
  ["Mul", arithmetic],
  ["Div", arithmetic],
  ["Sigmoid", sigmoid],
  ...named({ Relu: "relu", Tanh: "tanh", Softplus: "softplus", Softsign: "softsign" }),
  [
    "LeakyRelu",
    (stream, step) => stream.activation(step, "leaky-relu", [numberOf(step, "alpha") ?? Math.fround(0.01)]),
  ],
  ["Elu", (stream, step) => stream.activation(step, "elu", [numberOf(step, "alpha") ?? 1])],
  ["PRelu", prelu],
  ["Selu", selu],
  ["Gelu", gelu],
  ["HardSigmoid", hardSigmoid],
  ["Clip", clip],
  ["Softmax", softmax],
  ["LogSoftmax", softmax],
  ["Identity", KEEP],
  ["Dropout", dropout],
  ["Cast", cast],
  ...SHAPE_OPERATORS,
  ...MAP_OPERATORS,
]);

/** Operators after which a Sigmoid is still the last one that computes. */
export const KEEPERS: ReadonlySet<string> = new Set([
  ...["Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout", "Cast"],
]);

/** Adds one operator to the network. @throws NetworkError ERR_ONNX_OPERATOR, ERR_ONNX_NODE, and faults of tensors */
export function applyStep(stream: Stream, step: ReadStep): void {
  const { operator, attributes } = step.node;
  const apply = OPERATORS.get(operator);
  if (apply === undefined) throw unknownOperator(stream, step);
  for (const { name, type } of attributes) {
    if (SCALARS.has(name) && type > ATTRIBUTE_TYPE.integer)
      throw stream.fault(step, `${name} as one number`, "a list or another type");
  }
  apply(stream, step);
}

export function unknownOperator({ path }: Stream, { name, node }: Step): NetworkError {
  const facts = { node: name, operator: printable(node.operator) };
  return new NetworkError("ERR_ONNX_OPERATOR", { path, ...facts });
}

function named(activations: Readonly<Record<string, Activation>>): [string, Apply][] {
  return Object.entries(activations).map(([operator, activation]) => [
    operator,
    (stream, step) => stream.activation(step, activation),
  ]);
}

/** y (N,O) = x (N,I) · w + c; w (I,O), or (O,I) with transB; c (O) or (1,O), or none. */
function gemm(stream: Stream, step: ReadStep): void {
  for (const [name, expected] of [
    ["alpha", 1],
    ["beta", 1],
    ["transA", 0],
  ] as const) {
    const found = numberOf(step, name) ?? expected;
    if (found !== expected) throw stream.fault(step, `${name} = ${expected}`, `${found}`);
  }
  const isTransposed = (numberOf(step, "transB") ?? 0) !== 0;
  const weights = constantAt(stream, step, 1);
  const biases = step.constants.length > 2 ? constantAt(stream, step, 2) : undefined;
  dense(stream, step, { weights, isTransposed, biases });
}

interface Product {
  readonly weights: Given;
  readonly isTransposed?: boolean;
  readonly biases?: Given | undefined;
}

function dense(stream: Stream, step: ReadStep, { weights, isTransposed = false, biases }: Product): void {
  const { shape } = weights;
  if (shape.length !== 2 || shape.includes(0))
    throw stream.fault(step, "weights (inputs, outputs)", shapeText(shape));
  const [rows, columns] = atLeast(shape, 2);
  const [inputs, outputs] = isTransposed ? [columns, rows] : [rows, columns];
  stream.notEnded(step);
  const given = assertFloats(stream, weights);
  checkWidth(stream, step, inputs, [inputs, outputs]);
  const isRow =
    biases === undefined || biases.shape.length === 1 || (biases.shape.length === 2 && biases.shape[0] === 1);
  if (!isRow || (biases !== undefined && biases.shape.at(-1) !== outputs)) {
    throw stream.fault(step, `biases (${outputs},)`, shapeText(biases?.shape ?? []));
  }
  const offsets = biases && assertFloats(stream, biases);
  stream.add(step, function* (builder) {
    builder.assertSize(step.name, outputs);
    const stored = given.data;
    yield;
    let matrix = stored;
    if (isTransposed) {
      matrix = new Float64Array(stored.length);
      transpose(stored, inputs, matrix);
      yield;
    }
    builder.dense(step.name, { weights: matrix, outputs, biases: offsets?.data });
  });
  stream.axes = [...(stream.axes ?? [ONE]).slice(0, -1), { size: outputs, role: "channels" }];
}

/** The product reads the last axis, which must be all. */
function checkWidth(stream: Stream, step: ReadStep, inputs: number, shape: readonly number[]): void {
  const { axes, input } = stream;
  if (axes === undefined) {
    if (input.shape !== undefined && input.shape.length !== 2 && !stream.isFlattened)
      throw stream.fault(step, `an input of shape (N, ${inputs})`, stream.inputText());
    return;
  }
  const last = axes.at(-1)?.size;
  const isRead = step.node.operator !== "Gemm" || axes.length === 1;
  if (isRead && last === inputs && last === stream.size) return;
  if (stream.isPixels) {
    const found = stream.isFlattened ? stream.axesText() : stream.inputText();
    throw stream.fault(step, `an input of shape (N, ${inputs})`, found);
  }
  throw stream.fault(step, `weights (${stream.size}, outputs)`, shapeText(shape));
}

/** x + c, x − c, c − x, x · c or x ÷ c: a number, or one per channel. */
function arithmetic(stream: Stream, step: ReadStep): void {
  const { operator } = step.node;
  const at = step.constants[0] === undefined ? 1 : 0;
  const constant = constantAt(stream, step, at);
  if (at === 0 && operator === "Div") throw stream.fault(step, "a division by a constant", "a constant ÷ x");
  const numbers = perChannel(stream, step, constant);
  const [scale, shift] = affineOf(operator, numbers, at === 0);
  stream.normalize(step, scale, shift);
}

/** The arithmetic with a constant as x · scale + shift. */
function affineOf(
  operator: string,
  numbers: Float64Array,
  isReversed: boolean,
): readonly [scale: Float64Array, shift: Float64Array] {
  const ones = numbers.map(() => 1);
  const zeros = numbers.map(() => 0);
  if (operator === "Mul") return [numbers, zeros];
  if (operator === "Div") return [numbers.map((value) => 1 / value), zeros];
  if (operator === "Add") return [ones, numbers];
  return isReversed ? [ones.map((one) => -one), numbers] : [ones, numbers.map((value) => -value)];
}

/** The last one gives probabilities. */
function sigmoid(stream: Stream, step: ReadStep): void {
  if (step.isLast && !stream.isPixels) stream.end(step, "sigmoid");
  else stream.activation(step, "sigmoid");
}

function prelu(stream: Stream, step: ReadStep): void {
  const slopes = constantAt(stream, step, 1);
  const isPerElement = stream.isPerElement(slopes.shape);
  stream.activation(
    step,
    "prelu",
    isPerElement ? floatsOf(stream, slopes) : perChannel(stream, step, slopes),
  );
}

function selu(stream: Stream, step: ReadStep): void {
  for (const [name, expected] of Object.entries(SELU)) {
    const found = numberOf(step, name) ?? expected;
    if (!(Math.abs(found - expected) < SELU_TOLERANCE))
      throw stream.fault(step, `${name} = ${expected}`, `${found}`);
  }
  stream.activation(step, "selu");
}

function gelu(stream: Stream, step: ReadStep): void {
  const approximate = attributeOf(step.node, "approximate")?.text ?? "none";
  if (approximate !== "none" && approximate !== "tanh")
    throw stream.fault(step, "approximate none or tanh", printable(approximate));
  stream.activation(step, approximate === "tanh" ? "gelu-tanh" : "gelu");
}

function hardSigmoid(stream: Stream, step: ReadStep): void {
  const [alpha, beta] = [numberOf(step, "alpha") ?? Math.fround(0.2), numberOf(step, "beta") ?? 0.5];
  stream.activation(step, "hard-sigmoid", [alpha, beta]);
}

/** Bounds as inputs; before opset 11 as attributes. */
function clip(stream: Stream, step: ReadStep): void {
  const bound = (name: string, index: number, none: number) => {
    const given = step.constants[index];
    const value = given === undefined ? attributeOf(step.node, name)?.float : floatsOf(stream, given)[0];
    return value === undefined || Math.abs(value) >= LARGEST_FLOAT ? none : value;
  };
  const [low, high] = [bound("min", 1, Number.NEGATIVE_INFINITY), bound("max", 2, Number.POSITIVE_INFINITY)];
  if (low === Number.NEGATIVE_INFINITY && high === Number.POSITIVE_INFINITY) return;
  if (low === 0 && (high === Number.POSITIVE_INFINITY || high === 6)) {
    stream.activation(step, high === 6 ? "relu6" : "relu");
  } else if (low <= high && low > Number.NEGATIVE_INFINITY && high < Number.POSITIVE_INFINITY) {
    stream.activation(step, "hard-tanh", [low, high]);
  } else throw stream.fault(step, "two bounds, or 0 as the lower one", `${low} and ${high}`);
}

/** Softmax or its logarithm is left out: for both, the probabilities are the softmax of the logits. */
function softmax(stream: Stream, step: ReadStep): void {
  const axis = numberOf(step, "axis") ?? (stream.opset < 13 ? 1 : -1);
  const { axes } = stream;
  const at = axis < 0 ? axis + (axes?.length ?? 1) : axis - 1;
  const isAll = axes === undefined ? at === 0 : axes[at]?.size === stream.size;
  if (!isAll) throw stream.fault(step, "axis = -1 or 1", `${axis}`);
  stream.end(step, step.node.operator === "Softmax" ? "softmax" : "log-softmax");
}

/** Has no effect, unless `training_mode` lets it draw random numbers. */
function dropout(stream: Stream, step: ReadStep): void {
  const [, ratio, mode] = step.constants.map((constant) => constant?.data[0]);
  if (mode !== undefined && mode !== 0 && ratio !== 0) throw stream.fault(step, "training_mode = 0", "1");
}

/** From floats to floats, or from bytes to floats before all layers. */
function cast(stream: Stream, step: ReadStep): void {
  const to = attributeOf(step.node, "to")?.integer ?? 0;
  if (!isFloat(to)) throw stream.fault(step, "a cast to floats", `type ${to}`);
  stream.isWhole = false;
}
