/** Arrays of weights as .npy files (numpy.lib.format), read and written. */
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/printable.js";
import {
  checkedElements,
  decodeElements,
  type ElementType,
  type NamedArray,
  rowMajor,
} from "#src/files/formats/arrays.js";
import { type NpyDtype, type NpyHeader, npyElements, parseNpyHeader } from "#src/files/formats/npy-header.js";
import { encodeElements, joined, type WrittenType } from "./encode-elements.js";

const DTYPES: ReadonlyMap<NpyDtype, ElementType> = new Map([
  ["f2", "float16"],
  ["f4", "float32"],
  ["f8", "float64"],
]);
const DESCR = { float32: "<f4", float64: "<f8" } as const;

/** Header and elements begin at multiples of this, so that the elements can be mapped into memory. */
const ALIGNMENT_BYTES = 64;
/** Magic, version, and the dict's length as a u16. */
const PREFIX_BYTES = 10;

/**
 * The array of a .npy file, row-major float64, whatever its order and dtype (float16, float32, float64; either byte
 * order). `path` and `name` are for messages.
 *
 * @throws FileError ERR_NPY_HEADER, ERR_NPY_DTYPE, ERR_NPY_LENGTH. NetworkError ERR_ARRAY_DTYPE, ERR_WEIGHTS_SIZE.
 */
export function decodeNpy(path: string, name: string, file: Uint8Array): NamedArray {
  const header = parseNpyHeader(path, file);
  const type = elementType(path, name, header);
  const { shape, littleEndian, fortranOrder } = header;
  const elements = npyElements(path, file, header);
  checkedElements(path, shape);
  const data = decodeElements(elements, type, littleEndian);
  return { shape, data: fortranOrder ? rowMajor(data, shape) : data };
}

/** @throws NetworkError ERR_ARRAY_DTYPE for numbers that weights never are. */
export function elementType(path: string, name: string, { dtype }: Pick<NpyHeader, "dtype">): ElementType {
  const type = DTYPES.get(dtype);
  if (type !== undefined) return type;
  throw new NetworkError("ERR_ARRAY_DTYPE", {
    path,
    layer: printable(name),
    expected: [...DTYPES.values()].join(", "),
    found: dtype,
  });
}

/** A whole file of version 1.0, little-endian and row-major, as numpy.save would write it. @throws NetworkError ERR_NETWORK_F32 */
export function encodeNpy(name: string, { shape, data }: NamedArray, type: WrittenType): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dict = `{'descr': '${DESCR[type]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const headerBytes = Math.ceil((PREFIX_BYTES + dict.length + 1) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  const dictBytes = headerBytes - PREFIX_BYTES;
  const header = Buffer.from(`\x93NUMPY\x01\0\0\0${dict.padEnd(dictBytes - 1)}\n`, "latin1");
  header.writeUInt16LE(dictBytes, PREFIX_BYTES - 2);
  return joined([header, encodeElements(name, data, type)]);
}
