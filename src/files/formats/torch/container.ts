/** Opens a PyTorch file: a ZIP since version 1.6; before that, several pickles, then the storages. */

import { NetworkError } from "#src/base/errors.js";
import { isMap } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import {
  checkedElements,
  decodeElements,
  ELEMENT_BYTES,
  type ElementType,
  lazyArray,
  type NamedArray,
} from "#src/files/formats/arrays.js";
import { runNextPickle, runPickle } from "#src/files/formats/pickle/machine.js";
import { ByteReader } from "#src/files/formats/pickle/reader.js";
import { kindOf, PickledList, type PickledValue } from "#src/files/formats/pickle/values.js";
import { LEGACY_HEAD } from "#src/files/formats/torch/head.js";
import { readZipDirectory, wholeEntry } from "#src/files/formats/zip.js";
import type { ZipEntry } from "#src/files/formats/zip-entry.js";
import { STORAGE_BYTES, type StorageType, type TorchStorage, type TorchTensor } from "./values.js";
import { TorchVocabulary } from "./vocabulary.js";

/** Most bytes that all contents of a ZIP may claim. */
const LIMIT_BYTES = 2 ** 31;
/** An open file. */
export interface TorchFile {
  readonly path: string;
  readonly fileBytes: number;
  /** What `torch.load` returns. */
  readonly root: PickledValue;
  /** Attributes of dicts in it. */
  readonly attributes: TorchVocabulary["attributes"];
  readonly isLittleEndian: boolean;
  /** Returns the bytes of a whole storage, verified. */
  bytesOf(key: string): Promise<Uint8Array>;
}

/**
 * @throws FileError ERR_ZIP_*
 * @throws NetworkError ERR_PICKLE_*; ERR_NETWORK_FORMAT for TorchScript, and for a ZIP without an object
 */
export async function openTorch(path: string, bytes: Uint8Array): Promise<TorchFile> {
  return bytes[0] === LEGACY_HEAD.charCodeAt(0) ? openLegacy(path, bytes) : openZip(path, bytes);
}

async function openZip(path: string, bytes: Uint8Array): Promise<TorchFile> {
  const entries = readZipDirectory(path, bytes, LIMIT_BYTES);
  const pickle = entries.find(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  const isScript = entries.some(({ name }) => /^[^/]+\/(code\/.*|constants\.pkl)$/s.test(name));
  if (pickle === undefined || isScript) {
    const found = isScript ? "a TorchScript model" : "a ZIP without data.pkl";
    throw new NetworkError("ERR_NETWORK_FORMAT", { path, expected: "a PyTorch state dict", found });
  }
  const folder = pickle.name.slice(0, -"data.pkl".length);
  const named = (name: string) => entries.find((entry) => entry.name === folder + name);
  const vocabulary = new TorchVocabulary();
  const inner = `${path}:${pickle.name}`;
  const root = runPickle(new ByteReader(inner, await wholeEntry(path, pickle)), vocabulary);
  const isLittleEndian = await readByteOrder(path, named("byteorder"));
  return {
    path,
    fileBytes: entries.reduce((sum, { unpackedBytes }) => sum + unpackedBytes, 0),
    root,
    attributes: vocabulary.attributes,
    isLittleEndian,
    async bytesOf(key) {
      const entry = named(`data/${key}`);
      const expectedBytes = sizeOf(vocabulary.storages.get(key));
      // PyTorch pads no storage; a longer one would be of another type than the pickle states.
      if (entry?.unpackedBytes !== expectedBytes)
        throw wrongSize(path, key, expectedBytes, entry?.unpackedBytes);
      return await wholeEntry(path, entry);
    },
  };
}

/** PyTorch 2.1 and later state the order of bytes; earlier versions wrote little-endian files on little-endian machines. */
async function readByteOrder(path: string, entry: ZipEntry | undefined): Promise<boolean> {
  if (entry === undefined) return true;
  const order = Buffer.from((await wholeEntry(path, entry)).subarray(0, 16)).toString("latin1");
  if (order === "little" || order === "big") return order === "little";
  const found = "another text";
  throw new NetworkError("ERR_NETWORK_FORMAT", { path, expected: 'byteorder "little" or "big"', found });
}

/** Pickles of the magic number, the protocol, facts of the system, the object, and the keys; then each storage. */
function openLegacy(path: string, bytes: Uint8Array): TorchFile {
  const reader = new ByteReader(path, bytes);
  const vocabulary = new TorchVocabulary();
  reader.take(LEGACY_HEAD.length);
  const next = () => runNextPickle(reader, vocabulary);
  next();
  const system = next();
  const root = next();
  const keys = next();
  if (!(keys instanceof PickledList)) throw reader.malformed("a list of the keys of storages", kindOf(keys));
  const contents = new Map<string, Uint8Array>();
  for (const key of keys.items) {
    const storage = typeof key === "string" ? vocabulary.storages.get(key) : undefined;
    const count = reader.u64();
    if (storage === undefined || count !== BigInt(storage.count)) {
      throw reader.malformed("the size of each storage as its tensors state it", `${count}`);
    }
    contents.set(storage.key, reader.take(sizeOf(storage)));
  }
  return {
    path,
    fileBytes: bytes.length,
    root,
    attributes: vocabulary.attributes,
    isLittleEndian: !(isMap(system) && system.get("little_endian") === false),
    async bytesOf(key) {
      const content = contents.get(key);
      if (content !== undefined) return content;
      throw wrongSize(path, key, sizeOf(vocabulary.storages.get(key)), undefined);
    },
  };
}

function sizeOf(storage: TorchStorage | undefined): number {
  return storage === undefined ? 0 : storage.count * STORAGE_BYTES[storage.type];
}

function wrongSize(
  path: string,
  key: string,
  expectedBytes: number,
  found: number | undefined,
): NetworkError {
  const expected = `${expectedBytes} bytes`;
  const layer = `storage ${key}`;
  const what = found === undefined ? "none" : String(found);
  return new NetworkError("ERR_ARRAY_LAYOUT", { path, layer, expected, found: what });
}

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
