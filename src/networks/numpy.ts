/** Reads and writes a network as a .npz file, a ZIP archive of .npy files (numpy.savez, numpy.savez_compressed). */
import type { Network } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import {
  checkedElements,
  decodeWhole,
  type ElementType,
  MAX_WHOLE,
  type NamedArray,
  storedArray,
} from "#src/files/formats/arrays.js";
import {
  type NpyDtype,
  type NpyHeader,
  npyElements,
  openNpz,
  parseNpyHeader,
} from "#src/files/formats/npz.js";
import { encodeZip, wholeEntry } from "#src/files/formats/zip.js";
import { hasModules, planLayers } from "./state-dict.js";
import { encodeElements, joined, tensorsOf, type WrittenType } from "./tensors.js";

/** Most bytes of all arrays of an archive, unpacked. */
const LIMIT_BYTES = 2 ** 31;
/**
 * Most unpacked bytes per compressed byte. Trained weights are nearly random: deflate halves them, or makes a twentieth if
 * most are zero. A large file that claims more was made to fill memory.
 */
const MOST_EXPANSION = 64;
const SMALL_BYTES = 2 ** 24;

/**
 * Returns the arrays of an archive, by name without `.npy`. Headers are read first: the rest is unpacked only if names, types
 * and shapes are those of a network.
 *
 * @param isAnyNetwork whether an architecture names the arrays
 * @throws FileError ERR_ZIP_*, ERR_NPY_*. NetworkError ERR_NETWORK_FORMAT, ERR_ARRAY_DTYPE, and all that `planLayers`
 *   throws.
 */
export async function decodeNpz(
  path: string,
  bytes: Uint8Array,
  isAnyNetwork = false,
): Promise<Map<string, NamedArray>> {
  const limitBytes = Math.min(LIMIT_BYTES, Math.max(SMALL_BYTES, MOST_EXPANSION * bytes.length));
  const members = await openNpz(path, bytes, limitBytes, (name) => {
    throw new NetworkError("ERR_NETWORK_FORMAT", {
      path,
      expected: "an archive of only .npy files",
      found: `"${name}"; save a PyTorch model as safetensors`,
    });
  });
  const floats = [...members].filter(([, { header }]) => !isWhole(header));
  for (const [name, { path: inner, header }] of floats) elementType(inner, name, header);
  // Layers of other kinds are found when their arrays are decoded.
  if (!isAnyNetwork && !hasModules(new Map(floats.map(([name, { header }]) => [name, header])))) {
    planLayers(path, new Map(floats.map(([name, { header }]) => [name, header.shape])));
  }
  const arrays = new Map<string, NamedArray>();
  for (const [name, member] of members) {
    arrays.set(name, decodeNpy(member.path, name, await wholeEntry(path, member.entry)));
  }
  return arrays;
}

/**
 * Returns a .npz file of the network's arrays, for numpy.load. A .npz states neither activation nor preprocessing.
 *
 * @throws NetworkError ERR_NETWORK_F32 if a weight is not finite in float32
 */
export function encodeNpz(
  network: Pick<Network, "layers">,
  type: WrittenType,
  { deflated = false } = {},
): Uint8Array {
  const files = tensorsOf(network).map(
    (tensor) => [`${tensor.name}.npy`, encodeNpy(tensor.name, tensor, type)] as const,
  );
  return encodeZip(new Map(files), deflated);
}

/** True for whole numbers beside weights, such as the sizes of layers. A matrix of them could be quantized weights. */
function isWhole({ dtype, shape }: NpyHeader): boolean {
  return !DTYPES.has(dtype) && shape.length < 2 && (shape[0] ?? 1) <= MAX_WHOLE;
}

const DTYPES: ReadonlyMap<NpyDtype, ElementType> = new Map([
  ["f2", "float16"],
  ["f4", "float32"],
  ["f8", "float64"],
]);
const DESCR = { float32: "<f4", float64: "<f8" } as const;

/** Elements begin at a multiple of this, so that they can be mapped into memory (numpy.lib.format). */
const ALIGNMENT_BYTES = 64;
/** Length of the magic, the version, and the dict's length as a u16. */
const PREFIX_BYTES = 10;

/**
 * Returns the array of a .npy file: row-major float64, for every order and dtype (float16, float32, float64; either byte
 * order), and for a short list of whole numbers. `path` and `name` are for messages.
 *
 * @throws FileError ERR_NPY_HEADER, ERR_NPY_DTYPE, ERR_NPY_LENGTH. NetworkError ERR_ARRAY_DTYPE, ERR_WEIGHTS_SIZE.
 */
export function decodeNpy(path: string, name: string, file: Uint8Array): NamedArray {
  const header = parseNpyHeader(path, file);
  const { shape, dtype, littleEndian, fortranOrder } = header;
  if (isWhole(header)) {
    const values = decodeWhole(npyElements(path, file, header), dtype, littleEndian);
    if (values !== undefined) return { shape, data: values, isWhole: true };
  }
  const type = elementType(path, name, header);
  const elements = npyElements(path, file, header);
  checkedElements(path, shape);
  return storedArray(shape, elements, { type, littleEndian, fortranOrder });
}

/** @throws NetworkError ERR_ARRAY_DTYPE for types that weights never have */
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

/**
 * Returns a .npy file of version 1.0, little-endian and row-major, as numpy.save writes it.
 *
 * @throws NetworkError ERR_NETWORK_F32
 */
export function encodeNpy(name: string, { shape, data }: NamedArray, type: WrittenType): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dict = `{'descr': '${DESCR[type]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const headerBytes = Math.ceil((PREFIX_BYTES + dict.length + 1) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  const dictBytes = headerBytes - PREFIX_BYTES;
  const header = Buffer.from(`\x93NUMPY\x01\0\0\0${dict.padEnd(dictBytes - 1)}\n`, "latin1");
  header.writeUInt16LE(dictBytes, PREFIX_BYTES - 2);
  return joined([header, encodeElements(name, data, type)]);
}
