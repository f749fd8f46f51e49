/** Reads the elements of ONNX tensors as float64, and checks them against the dimensions. */

import { endianness } from "node:os";
import { shapeText } from "#src/base/errors/define.js";
import { NetworkError } from "#src/base/errors.js";
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
} from "#src/files/formats/arrays.js";
import type { Tensor } from "./model.js";
import { DATA_TYPE } from "./proto.js";

const FLOAT_TYPES = ["float32", "float64", "float16", "bfloat16"] as const;

/**
 * Returns a tensor of floats as row-major float64. `path` is for messages.
 *
 * @throws NetworkError ERR_ONNX_EXTERNAL, ERR_ONNX_TENSOR, ERR_WEIGHTS_SIZE.
 */
function floatsOf(path: string, tensor: Tensor): NamedArray {
  const type = FLOAT_TYPES.find((name) => DATA_TYPE[name] === tensor.type);
  if (type === undefined) throw fault(path, tensor, "float32, float64 or float16", `type ${tensor.type}`);
  const elements = sizeOfTensor(path, tensor);
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
  const elements = sizeOfTensor(path, tensor);
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

/** Returns the number of elements. @throws NetworkError ERR_ONNX_EXTERNAL, ERR_ONNX_TENSOR, ERR_WEIGHTS_SIZE */
export function sizeOfTensor(path: string, tensor: Tensor): number {
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
