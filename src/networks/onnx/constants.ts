/** Tensors that no input of a graph changes: initializers, Constant nodes of any form, and what is computed of these. */
import { NetworkError } from "#src/base/errors.js";
import { attributeOf, type Node, type Tensor } from "./model.js";
import { numbersOf } from "./tensor.js";

/** Elements in row-major order; shapes do not matter here. */
export type Numbers = Float64Array;

/** Operators that change a tensor's shape or type and no number that this page needs. */
const SAME_NUMBERS: ReadonlySet<string> = new Set([
  "Identity",
  "Cast",
  "CastLike",
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
]);
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

/**
 * The numbers of an initializer, or of the node that gives a tensor; undefined where an input changes them, or they are
 * not understood. `path` is for messages.
 *
 * Source: onnx/docs/Operators.md, "Constant" for the forms of its value.
 */
export function evaluateConstant(
  path: string,
  source: Tensor | Node,
  constant: (name: string) => Numbers | undefined,
): Numbers | undefined {
  if (!("operator" in source)) return understood(path, source);
  const { operator, inputs } = source;
  if (operator === "Constant") return constantValue(path, source);
  const [first, second] = inputs.map(constant);
  if (first === undefined) return undefined;
  if (SAME_NUMBERS.has(operator)) return first;
  if (operator === "DequantizeLinear") return dequantized(first, second, constant(inputs[2] ?? ""));
  const unary = UNARY.get(operator);
  if (unary !== undefined) return first.map(unary);
  const binary = BINARY.get(operator);
  return binary && second && inputs.length === 2 ? combined(first, second, binary) : undefined;
}

/** Element by element; one number alone goes with every one of the others. */
export function combined(
  a: Numbers,
  b: Numbers,
  combine: (x: number, y: number) => number,
): Numbers | undefined {
  const length = Math.max(a.length, b.length);
  if (![1, length].includes(a.length) || ![1, length].includes(b.length)) return undefined;
  return Float64Array.from({ length }, (_, n) =>
    combine(a[a.length === 1 ? 0 : n], b[b.length === 1 ? 0 : n]),
  );
}

function constantValue(path: string, node: Node): Numbers | undefined {
  const tensor = attributeOf(node, "value")?.tensor;
  if (tensor !== undefined) return understood(path, tensor);
  const float = attributeOf(node, "value_float");
  if (float !== undefined) return Float64Array.of(float.float ?? 0);
  const integer = attributeOf(node, "value_int");
  if (integer !== undefined) return Float64Array.of(integer.integer ?? 0);
  const list = attributeOf(node, "value_floats")?.floats ?? attributeOf(node, "value_ints")?.integers;
  return list && Float64Array.from(list);
}

function dequantized(x: Numbers, scale: Numbers | undefined, zero?: Numbers): Numbers | undefined {
  const shifted = combined(x, zero ?? Float64Array.of(0), (a, b) => a - b);
  return shifted && scale && combined(shifted, scale, (a, b) => a * b);
}

/** A tensor that we cannot read may still be one that the runtime can: it tells nothing here. */
function understood(path: string, tensor: Tensor): Numbers | undefined {
  try {
    return numbersOf(path, tensor);
  } catch (error) {
    if (error instanceof NetworkError) return undefined;
    throw error;
  }
}
