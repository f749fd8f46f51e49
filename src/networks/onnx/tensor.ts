/** Reads the elements of ONNX tensors, checks them against the dimensions, and computes constants. */

import { endianness } from "node:os";
import { shapeText } from "#src/base/errors/define.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import {
  checkedElements,
  decodeElements,
  ELEMENT_BYTES,
  type ElementType,
  lazyArray,
  MAX_DIMENSIONS,
  type NamedArray,
  storedArray,
  transpose,
} from "#src/files/formats/arrays.js";
import { attributeOf, type Node, type Tensor } from "./model.js";
import { DATA_TYPE } from "./proto.js";

const FLOAT_TYPES = ["float32", "float64", "float16", "bfloat16"] as const;
/** Most integers of a tensor of axes, or of a shape to reshape to. */
const MAX_INTEGERS = 64;

/**
 * Returns a tensor of floats as row-major float64. `path` is for messages.
 *
 * @throws NetworkError ERR_ONNX_EXTERNAL, ERR_ONNX_TENSOR, ERR_WEIGHTS_SIZE.
 */
export function floatsOf(path: string, tensor: Tensor): NamedArray {
  const type = FLOAT_TYPES.find((name) => DATA_TYPE[name] === tensor.type);
  if (type === undefined) throw fault(path, tensor, "float32, float64 or float16", `type ${tensor.type}`);
  const elements = countElements(path, tensor);
  const foundBytes = tensor.raw?.length ?? typedLength(path, tensor, type, elements);
  const expectedBytes = elements * ELEMENT_BYTES[type];
  if (foundBytes !== expectedBytes) {
    const expected = `${expectedBytes} bytes for shape ${shapeText(tensor.dimensions)} of ${type}`;
    throw fault(path, tensor, expected, `${foundBytes}`);
  }
  const { raw } = tensor;
  if (raw !== undefined) return storedArray(tensor.dimensions, raw, { type });
  return lazyArray(tensor.dimensions, () =>
    decodeElements(typedBytes(path, tensor, type, elements), type, true),
  );
}

/** Readers of whole numbers in raw_data. */
const INTEGER_READERS: ReadonlyMap<
  number,
  readonly [bytes: number, read: (view: DataView, at: number) => number]
> = new Map([
  [DATA_TYPE.uint8, [1, (view, at) => view.getUint8(at)]],
  [DATA_TYPE.int8, [1, (view, at) => view.getInt8(at)]],
  [DATA_TYPE.uint16, [2, (view, at) => view.getUint16(at, true)]],
  [DATA_TYPE.int16, [2, (view, at) => view.getInt16(at, true)]],
  [DATA_TYPE.int32, [4, (view, at) => view.getInt32(at, true)]],
  [DATA_TYPE.int64, [8, (view, at) => Number(view.getBigInt64(at, true))]],
  [DATA_TYPE.bool, [1, (view, at) => view.getUint8(at)]],
  [DATA_TYPE.uint32, [4, (view, at) => view.getUint32(at, true)]],
]);

/** Bytes of one element in raw_data; undefined for types that are not read. */
export function elementBytes(type: number): number | undefined {
  const float = FLOAT_TYPES.find((name) => DATA_TYPE[name] === type);
  return float === undefined ? INTEGER_READERS.get(type)?.[0] : ELEMENT_BYTES[float];
}

/**
 * Returns a tensor of floats or integers as row-major float64. `path` is for messages.
 *
 * @throws NetworkError ERR_ONNX_EXTERNAL, ERR_ONNX_TENSOR, ERR_ONNX_LIMIT, ERR_WEIGHTS_SIZE.
 */
export function numbersOf(path: string, tensor: Tensor): Float64Array {
  const reader = INTEGER_READERS.get(tensor.type);
  if (reader === undefined) return floatsOf(path, tensor).data;
  const elements = countElements(path, tensor);
  const { raw, int32s, int64s } = tensor;
  if (raw === undefined) {
    const packed = int32s ?? int64s;
    const count = packed?.countIntegers() ?? 0;
    if (count !== elements) throw fault(path, tensor, `${elements} elements`, `${count}`);
    const values = new Float64Array(elements);
    packed?.eachInteger(elements, "elements of a tensor", (value, index) => {
      values[index] = value;
    });
    return values;
  }
  const [bytes, read] = reader;
  if (raw.length !== elements * bytes) {
    throw fault(path, tensor, `${elements * bytes} bytes`, `${raw.length}`);
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Float64Array.from({ length: elements }, (_, n) => read(view, n * bytes));
}

/** Returns a short tensor of int64. @throws NetworkError ERR_ONNX_EXTERNAL, ERR_ONNX_TENSOR, ERR_ONNX_LIMIT */
export function integersOf(path: string, tensor: Tensor): number[] {
  if (tensor.type !== DATA_TYPE.int64) throw fault(path, tensor, "int64", `type ${tensor.type}`);
  const elements = countElements(path, tensor);
  const { raw } = tensor;
  const values =
    raw === undefined
      ? (tensor.int64s?.packedIntegers(MAX_INTEGERS, "elements of an int64 tensor") ?? [])
      : Array.from({ length: Math.min(MAX_INTEGERS, Math.floor(raw.length / 8)) }, (_, index) =>
          Number(new DataView(raw.buffer, raw.byteOffset, raw.byteLength).getBigInt64(index * 8, true)),
        );
  if (values.length !== elements || (raw !== undefined && raw.length !== elements * 8)) {
    throw fault(path, tensor, `${elements} elements, ${MAX_INTEGERS} at most`, `${values.length}`);
  }
  return values;
}

function countElements(path: string, tensor: Tensor): number {
  const { dimensions, external, raw, floats, doubles, int32s, int64s } = tensor;
  if (external) throw externalFault(path, tensor);
  if (dimensions.length > MAX_DIMENSIONS) {
    throw fault(path, tensor, `at most ${MAX_DIMENSIONS} dimensions`, `${dimensions.length}`);
  }
  if (!dimensions.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw fault(path, tensor, "dimensions that are sizes", shapeText(dimensions));
  }
  const fields = [raw, floats, doubles, int32s, int64s].filter((field) => field !== undefined);
  if (fields.length > 1) throw fault(path, tensor, "its elements in one field", `them in ${fields.length}`);
  return checkedElements(path, dimensions);
}

/** @returns the error for data in another file that is not, or cannot be, read */
export function externalFault(
  path: string,
  { name }: Tensor,
  expected = "its data in the model file",
  found = "a reference to another file",
): NetworkError {
  return new NetworkError("ERR_ONNX_EXTERNAL", { path, tensor: printable(name), expected, found });
}

/** Length of what `typedBytes` returns. */
function typedLength(path: string, tensor: Tensor, type: ElementType, elements: number): number {
  if (type === "float32") return tensor.floats?.length ?? 0;
  if (type === "float64") return tensor.doubles?.length ?? 0;
  return float16s(path, tensor, elements) * Uint16Array.BYTES_PER_ELEMENT;
}

/** Returns the bytes of the field that onnx.proto has for the type. An element of float16 is 16 bits of an int32_data. */
function typedBytes(path: string, tensor: Tensor, type: ElementType, elements: number): Uint8Array {
  if (type === "float32") return tensor.floats ?? new Uint8Array();
  if (type === "float64") return tensor.doubles ?? new Uint8Array();
  const values = new Uint16Array(elements);
  float16s(path, tensor, elements, values);
  const bytes = Buffer.from(values.buffer);
  return endianness() === "LE" ? bytes : bytes.swap16();
}

function float16s(path: string, tensor: Tensor, elements: number, into?: Uint16Array): number {
  const onWide = () => {
    throw fault(path, tensor, "elements of 16 bits", "more bits");
  };
  const what = `elements of tensor "${printable(tensor.name)}"`;
  return tensor.int32s?.packedUint16s(elements, what, onWide, into) ?? 0;
}

function fault(path: string, { name }: Tensor, expected: string, found: string): NetworkError {
  return new NetworkError("ERR_ONNX_TENSOR", { path, tensor: printable(name), expected, found });
}

/** Elements in row-major order, without a shape. */
export type Numbers = Float64Array;

/** Operators that change a tensor's shape or type, but not its numbers. */
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
 * Returns the numbers of a tensor that does not depend on an input, from an initializer or from the node that gives it.
 * Undefined if they depend on an input, or if an operator is not known. `path` is for messages.
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

/** Combines two arrays element by element. A single number is combined with every element. */
export function combined(
  a: Numbers,
  b: Numbers,
  combine: (x: number, y: number) => number,
): Numbers | undefined {
  const length = Math.max(a.length, b.length);
  if (![1, length].includes(a.length) || ![1, length].includes(b.length)) return undefined;
  return Float64Array.from({ length }, (_, n) =>
    combine(a[a.length === 1 ? 0 : n]!, b[b.length === 1 ? 0 : n]!),
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

/** A tensor that cannot be read here may be valid for the runtime, so the result is undefined. */
function understood(path: string, tensor: Tensor): Numbers | undefined {
  try {
    return numbersOf(path, tensor);
  } catch (error) {
    if (error instanceof NetworkError) return undefined;
    throw error;
  }
}

/** Tensors of a model, each decoded once, so that a tensor that several nodes read stays one array. */
export class TensorCache {
  readonly #path: string;
  readonly #decoded = new Map<Tensor, NamedArray>();
  readonly #transposed = new Map<Tensor, NamedArray>();
  readonly #zeros = new Map<number, NamedArray>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Returns a tensor as an array. @throws NetworkError ERR_ONNX_EXTERNAL, ERR_ONNX_TENSOR, ERR_WEIGHTS_SIZE */
  floats(tensor: Tensor): NamedArray {
    return known(this.#decoded, tensor, () => floatsOf(this.#path, tensor));
  }

  /** Returns the transpose of a tensor with two dimensions. */
  transposed(tensor: Tensor): NamedArray {
    return known(this.#transposed, tensor, () => {
      const array = this.floats(tensor);
      const [rows, columns] = atLeast(array.shape, 2);
      return lazyArray([columns, rows], () => {
        const { data } = array;
        const turned = new Float64Array(data.length);
        transpose(data, columns, turned);
        return turned;
      });
    });
  }

  zeros(length: number): NamedArray {
    return known(this.#zeros, length, () => ({ shape: [length], data: new Float64Array(length) }));
  }
}

function known<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}
