/** Computes the tensors of a graph that do not depend on images: weights, axes, and shapes to reshape to. */
import { NetworkError } from "#src/base/errors.js";
import {
  type Constant,
  constantFrom,
  type Evaluate,
  isFloat,
  type Known,
  list,
  MOVERS,
  scalar,
  withShape,
} from "./constant.js";
import { attributeOf, type Node, type Tensor } from "./model.js";
import { DATA_TYPE } from "./proto.js";

const UNARY: ReadonlyMap<string, (x: number) => number> = new Map([
  ["Sqrt", Math.sqrt],
  ["Neg", (x: number) => -x],
  ["Reciprocal", (x: number) => 1 / x],
]);
const BINARY: ReadonlyMap<string, (x: number, y: number) => number> = new Map([
  ["Add", (x: number, y: number) => x + y],
  ["Sub", (x: number, y: number) => x - y],
  ["Mul", (x: number, y: number) => x * y],
  ["Div", (x: number, y: number) => x / y],
  ["Max", Math.max],
]);

const OPERATORS: ReadonlyMap<string, Evaluate> = new Map<string, Evaluate>([
  ["CastLike", (x, { inputs }, constant) => cast(x, constant(inputs[1] ?? "")?.type)],
  ["Cast", (x, node) => cast(x, attributeOf(node, "to")?.integer)],
  ...MOVERS,
  ["DequantizeLinear", dequantized],
]);

/**
 * Returns a tensor that does not depend on an input, from an initializer or from the node that gives it. Undefined if it
 * depends on an input, or if an operator is not known. `path` is for messages.
 *
 * Source: onnx/docs/Operators.md, "Constant" for the forms of its value.
 */
export function evaluateConstant(path: string, source: Tensor | Node, constant: Known): Constant | undefined {
  try {
    if (!("operator" in source)) return constantFrom(path, source);
    const { operator, inputs } = source;
    if (operator === "Constant") return constantValue(path, source);
    const x = constant(inputs[0] ?? "");
    if (x === undefined) return undefined;
    const unary = UNARY.get(operator);
    if (unary !== undefined) return isCounted(x) ? { ...x, data: x.data.map(unary) } : undefined;
    const binary = BINARY.get(operator);
    if (binary === undefined) return OPERATORS.get(operator)?.(x, source, constant);
    const y = inputs.length === 2 ? constant(inputs[1] ?? "") : undefined;
    if (y === undefined || !isCounted(x) || !isCounted(y)) return undefined;
    return broadcast(x, y, operator === "Div" && !isFloat(x.type) ? quotient : binary);
  } catch (error) {
    // A tensor that cannot be read here may be valid for the runtime.
    if (error instanceof NetworkError) return undefined;
    throw error;
  }
}

/** False for whole numbers that depend on the number of images: these are moved, but not computed with. */
function isCounted({ type, data }: Constant): boolean {
  return isFloat(type) || !data.some(Number.isNaN);
}

/** Returns the value of a Constant; undefined for texts and for none. @throws NetworkError as `numbersOf` */
export function constantValue(path: string, node: Node): Constant | undefined {
  const tensor = attributeOf(node, "value")?.tensor;
  // Within an attribute, a tensor need not have a name.
  if (tensor !== undefined)
    return constantFrom(path, { ...tensor, name: tensor.name || node.outputs[0] || "" });
  const float = attributeOf(node, "value_float");
  if (float !== undefined) return scalar(float.float ?? 0, DATA_TYPE.float32);
  const integer = attributeOf(node, "value_int");
  if (integer !== undefined) return scalar(integer.integer ?? 0, DATA_TYPE.int64);
  const floats = attributeOf(node, "value_floats");
  if (floats !== undefined) return list(floats.floats, DATA_TYPE.float32);
  const integers = attributeOf(node, "value_ints");
  return integers && list(integers.integers, DATA_TYPE.int64);
}

function quotient(x: number, y: number): number {
  return Math.trunc(x / y);
}

/** Like `combined`, with shapes. One of the two must have the shape of the result, so that results do not grow. */
function broadcast(
  x: Constant,
  y: Constant,
  combine: (x: number, y: number) => number,
): Constant | undefined {
  const rank = Math.max(x.shape.length, y.shape.length);
  const [a, b] = [padded(x.shape, rank), padded(y.shape, rank)];
  const shape = a.map((size, axis) => Math.max(size, b[axis]!));
  const fits = (sizes: readonly number[]) => sizes.every((size, axis) => size === 1 || size === shape[axis]);
  const isWhole = (sizes: readonly number[]) => sizes.every((size, axis) => size === shape[axis]);
  if (!fits(a) || !fits(b) || !(isWhole(a) || isWhole(b)) || shape.includes(0)) return undefined;
  const [first, second] = [x.data, y.data];
  const data = new Float64Array(Math.max(first.length, second.length));
  const [from, to] = [indexIn(a, shape), indexIn(b, shape)];
  for (let n = 0; n < data.length; n++) data[n] = combine(first[from(n)]!, second[to(n)]!);
  return { shape, type: x.type, data };
}

function padded(shape: readonly number[], rank: number): number[] {
  return [...new Array<number>(rank - shape.length).fill(1), ...shape];
}

/** Returns the function from an element's index in `shape` to its index in an array of these sizes. */
function indexIn(sizes: readonly number[], shape: readonly number[]): (index: number) => number {
  if (sizes.every((size) => size === 1)) return () => 0;
  if (sizes.every((size, axis) => size === shape[axis])) return (index) => index;
  return (index) => {
    let [rest, at, stride] = [index, 0, 1];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const place = rest % shape[axis]!;
      rest = (rest - place) / shape[axis]!;
      if (sizes[axis] !== 1) at += place * stride;
      stride *= sizes[axis]!;
    }
    return at;
  };
}

function cast(x: Constant, type: number | undefined): Constant | undefined {
  if (type === undefined) return undefined;
  if (isFloat(type) || !isFloat(x.type)) return withShape(x, x.shape, type);
  return { ...x, type, data: x.data.map(Math.trunc) };
}

function dequantized(x: Constant, node: Node, constant: Known): Constant | undefined {
  const [, scale, zero] = node.inputs.map((input) => constant(input));
  const axis = attributeOf(node, "axis")?.integer ?? 1;
  if (scale === undefined) return undefined;
  // A list has one number for each slice of the axis.
  const along = (numbers: Constant) => {
    const at = axis < 0 ? axis + x.shape.length : axis;
    const isList = numbers.shape.length === 1 && numbers.shape[0] !== 1;
    return isList ? withShape(numbers, [...numbers.shape, ...x.shape.slice(at + 1).map(() => 1)]) : numbers;
  };
  const [factors, offsets] = [along(scale), along(zero ?? scalar(0, x.type))];
  const shifted = offsets && broadcast(x, offsets, (a, b) => a - b);
  const values = shifted && factors && broadcast(shifted, factors, (a, b) => a * b);
  return values && { ...values, type: scale.type };
}
