/** Named arrays, the result of every reader of weights, and the conversion of elements to float64. */
import { endianness } from "node:os";
import { atLeast, NetworkError } from "#src/base/errors.js";

/** Array in row-major float64, for every dtype and order of the file. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
  /** Elements `begin` to `end` alone, where the file has them in this order. */
  slice?(begin: number, end: number): Float64Array;
  /** True for elements of a whole-number type: sizes of layers, counts, but no weights. */
  readonly isWhole?: true;
}

/**
 * An array whose elements are decoded each time that they are read. A network is refused by its shapes before any is, and
 * memory holds one decoded array at a time.
 */
export function lazyArray(shape: readonly number[], decode: () => Float64Array): NamedArray {
  return {
    shape,
    get data() {
      return decode();
    },
  };
}

/** Array of elements as a file has them, decoded each time that they are read. `bytes` holds as many as the shape says. */
export function storedArray(
  shape: readonly number[],
  bytes: Uint8Array,
  { type, littleEndian = true, fortranOrder = false }: StoredElements,
): NamedArray {
  const all = () => decodeElements(bytes, type, littleEndian);
  // The order does not depend on dimensions of size 1.
  const sizes = shape.filter((size) => size !== 1);
  const isOrdered = fortranOrder && sizes.length > 1;
  const ordered = isOrdered ? lazyArray(shape, () => rowMajor(all(), shape)) : lazyArray(shape, all);
  if (isOrdered && sizes.length > 2) return ordered;
  const size = ELEMENT_BYTES[type];
  const slice = isOrdered
    ? (begin: number, end: number) =>
        partOfColumns(bytes, atLeast(sizes, 2), { type, littleEndian }, begin, end)
    : (begin: number, end: number) =>
        decodeElements(bytes.subarray(begin * size, end * size), type, littleEndian);
  // Arrays are equal by shape and elements.
  return Object.defineProperty(ordered, "slice", { value: slice });
}

/** Elements `begin` to `end`, row-major, of a matrix (R,C) whose columns lie in `bytes` one after the other. */
function partOfColumns(
  bytes: Uint8Array,
  [rows, columns]: readonly [rows: number, columns: number, ...number[]],
  { type, littleEndian = true }: StoredElements,
  begin: number,
  end: number,
): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = READERS[type];
  const elementBytes = ELEMENT_BYTES[type];
  const [first, last] = [Math.floor(begin / columns), Math.ceil(end / columns)];
  const part = new Float64Array((last - first) * columns);
  for (let column = 0; column < columns; column++) {
    let from = (column * rows + first) * elementBytes;
    for (let to = column; to < part.length; to += columns) {
      part[to] = read(view, from, littleEndian);
      from += elementBytes;
    }
  }
  return part.subarray(begin - first * columns, end - first * columns);
}

interface StoredElements {
  readonly type: ElementType;
  readonly littleEndian?: boolean;
  readonly fortranOrder?: boolean;
}

export type NamedArrays = ReadonlyMap<string, NamedArray>;

export const ELEMENT_BYTES = { float16: 2, bfloat16: 2, float32: 4, float64: 8 } as const;
export type ElementType = keyof typeof ELEMENT_BYTES;

/** Longest list of whole numbers that is read beside weights, such as the sizes of layers. */
export const MAX_WHOLE = 4_096;

/** Decodes whole numbers, NumPy's `i8` or `u1`; none of a longer list, or of numbers that float64 may round. */
export function decodeWhole(
  bytes: Uint8Array,
  dtype: string,
  littleEndian: boolean,
): Float64Array | undefined {
  const elementBytes = Number(dtype.slice(1));
  const count = bytes.length / elementBytes;
  if (![1, 2, 4, 8].includes(elementBytes) || !Number.isInteger(count) || count > MAX_WHOLE) return undefined;
  const values = Float64Array.from({ length: count }, (_, index) => {
    const element = bytes.slice(index * elementBytes, (index + 1) * elementBytes);
    if (!littleEndian) element.reverse();
    const bits = element.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
    return Number(dtype.startsWith("i") ? BigInt.asIntN(8 * elementBytes, bits) : bits);
  });
  return values.every(Number.isSafeInteger) ? values : undefined;
}

/** NumPy 2's NPY_MAXDIMS; a weight has two. */
export const MAX_DIMENSIONS = 64;

/** Limit for one array as float64, in bytes. */
const MAX_ARRAY_BYTES = 2 ** 31;

/**
 * Returns the number of elements of a shape.
 *
 * @throws NetworkError ERR_WEIGHTS_SIZE if there are more than the limit, or too many to count exactly
 */
export function checkedElements(path: string, shape: readonly number[]): number {
  let elements = 1;
  for (const size of shape) {
    elements *= size;
    const actualBytes = elements * Float64Array.BYTES_PER_ELEMENT;
    if (actualBytes > MAX_ARRAY_BYTES) {
      throw new NetworkError("ERR_WEIGHTS_SIZE", { path, actualBytes, limitBytes: MAX_ARRAY_BYTES });
    }
  }
  return elements;
}

/** Decodes elements, in the file's order, to float64. `bytes` holds whole elements; the caller has checked that. */
export function decodeElements(bytes: Uint8Array, type: ElementType, littleEndian: boolean): Float64Array {
  if (type === "float32" || type === "float64") return decodeNative(bytes, type, littleEndian);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elementBytes = ELEMENT_BYTES[type];
  const values = new Float64Array(bytes.byteLength / elementBytes);
  const read = READERS[type];
  for (let index = 0; index < values.length; index += 1) {
    values[index] = read(view, index * elementBytes, littleEndian);
  }
  return values;
}

/** Types that JavaScript has are converted by its own loops, which are fast from the first call on. */
function decodeNative(bytes: Uint8Array, type: "float32" | "float64", littleEndian: boolean): Float64Array {
  // A copy, because elements of a file may be unaligned.
  const copy = Buffer.from(new Uint8Array(bytes).buffer);
  if (littleEndian !== (endianness() === "LE")) {
    if (type === "float32") copy.swap32();
    else copy.swap64();
  }
  return type === "float32" ? new Float64Array(new Float32Array(copy.buffer)) : new Float64Array(copy.buffer);
}

type Reader = (view: DataView, at: number, littleEndian: boolean) => number;
const READERS: Readonly<Record<ElementType, Reader>> = {
  float32: (view, at, littleEndian) => view.getFloat32(at, littleEndian),
  float64: (view, at, littleEndian) => view.getFloat64(at, littleEndian),
  float16: (view, at, littleEndian) => float16(view.getUint16(at, littleEndian)),
  bfloat16: (view, at, littleEndian) => bfloat16(view.getUint16(at, littleEndian)),
};

/** IEEE 754 binary16: sign 1, exponent 5 (bias 15), fraction 10. Node 20 has no DataView.getFloat16. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const scratch = new DataView(new ArrayBuffer(Float32Array.BYTES_PER_ELEMENT));

/** bfloat16 is the upper half of a float32. */
function bfloat16(bits: number): number {
  scratch.setUint32(0, bits * 0x10000);
  return scratch.getFloat32(0);
}

/** Fortran order (first axis fastest) → row-major (last axis fastest). */
export function rowMajor(values: Float64Array, dimensions: readonly number[]): Float64Array {
  // The order does not depend on dimensions of size 1, of which there can be 64.
  const shape = dimensions.filter((size) => size !== 1);
  if (shape.length < 2) return values;
  const [rows = 0, columns = 0] = shape;
  if (shape.length === 2 && rows > 0 && columns > 0) {
    const ordered = new Float64Array(values.length);
    transpose(values, rows, ordered);
    return ordered;
  }
  const strides: number[] = [];
  shape.reduceRight((stride, size, axis) => {
    strides[axis] = stride;
    return stride * size;
  }, 1);
  const index = shape.map(() => 0);
  const ordered = new Float64Array(values.length);
  let at = 0;
  for (const value of values) {
    ordered[at] = value;
    for (const [axis, size] of shape.entries()) {
      const stride = strides[axis] ?? 0;
      const next = (index[axis] ?? 0) + 1;
      at += stride;
      index[axis] = next;
      if (next < size) break;
      at -= stride * size;
      index[axis] = 0;
    }
  }
  return ordered;
}

/** out (C,R) = the transpose of x (R,C); row-major, f64. */
export function transpose(x: Float64Array, columns: number, out: Float64Array): void {
  const rows = x.length / columns;
  for (let row = 0, from = 0; row < rows; row += 1) {
    for (let to = row; to < out.length; to += rows) out[to] = x[from++]!;
  }
}

/** Writes `part`, the elements of x (R,C) from `from` on, into out (C,R). */
export function transposePart(part: Float64Array, from: number, columns: number, out: Float64Array): void {
  const rows = out.length / columns;
  let row = Math.floor(from / columns);
  let column = from % columns;
  for (let n = 0; n < part.length; n++) {
    out[column * rows + row] = part[n]!;
    column++;
    if (column < columns) continue;
    column = 0;
    row++;
  }
}
