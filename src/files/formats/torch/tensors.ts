/** Reads the elements of tensors: any strides and offsets, storages that tensors share. */

import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import {
  checkedElements,
  decodeElements,
  ELEMENT_BYTES,
  type ElementType,
  lazyArray,
  type NamedArray,
} from "#src/files/formats/arrays.js";
import type { TorchFile } from "./container.js";
import type { StorageType, TorchTensor } from "./values.js";

/**
 * Returns arrays in row-major float64, decoded each time that they are read. Tensors that share a storage, or repeat an element
 * by a stride of 0, can claim many times the bytes of the file: together they may have as many elements as the file has bytes.
 *
 * @throws FileError ERR_ZIP_*
 * @throws NetworkError ERR_ARRAY_DTYPE, ERR_ARRAY_LAYOUT, ERR_WEIGHTS_SIZE, ERR_PICKLE_LIMIT
 */
export async function readTensors(
  file: TorchFile,
  tensors: ReadonlyMap<string, TorchTensor>,
): Promise<Map<string, NamedArray>> {
  const { path, fileBytes } = file;
  let elements = 0;
  for (const { shape, strides } of tensors.values()) {
    elements += Math.max(checkedElements(path, shape), spanOf(shape, strides));
    if (elements > fileBytes) {
      const what = "elements of tensors, as many as the file has bytes";
      throw new NetworkError("ERR_PICKLE_LIMIT", { path, what, limit: fileBytes });
    }
  }
  const arrays = new Map<string, NamedArray>();
  for (const [name, tensor] of tensors) {
    const { storage, shape } = tensor;
    const type = floatType(path, name, storage.type);
    const bytes = await file.bytesOf(storage.key);
    arrays.set(
      name,
      lazyArray(shape, () => elementsOf(tensor, type, bytes, file.isLittleEndian)),
    );
  }
  return arrays;
}

function floatType(path: string, name: string, type: StorageType): ElementType {
  for (const known of ["float16", "bfloat16", "float32", "float64"] as const)
    if (known === type) return known;
  const [layer, expected] = [printable(name), Object.keys(ELEMENT_BYTES).join(", ")];
  throw new NetworkError("ERR_ARRAY_DTYPE", { path, layer, expected, found: type });
}

/** Elements in row-major order. Only those between the first and the last are decoded. */
function elementsOf(
  { storage, offset, shape, strides }: TorchTensor,
  type: ElementType,
  bytes: Uint8Array,
  isLittleEndian: boolean,
): Float64Array {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count === 0) return new Float64Array();
  const size = ELEMENT_BYTES[type];
  const span = spanOf(shape, strides);
  const begin = (storage.begin + offset) * size;
  const values = decodeElements(bytes.subarray(begin, begin + span * size), type, isLittleEndian);
  return isRowMajor(shape, strides) ? values : gathered(values, shape, strides, count);
}

/** Elements from the first to the last, both included. */
function spanOf(shape: readonly number[], strides: readonly number[]): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 1);
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    if (shape[axis] !== 1 && strides[axis] !== stride) return false;
    stride *= shape[axis]!;
  }
  return true;
}

function gathered(
  values: Float64Array,
  shape: readonly number[],
  strides: readonly number[],
  count: number,
): Float64Array {
  const out = new Float64Array(count);
  const index = shape.map(() => 0);
  for (let to = 0, from = 0; to < count; to += 1) {
    out[to] = values[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      from += strides[axis]!;
      index[axis]! += 1;
      if (index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}
