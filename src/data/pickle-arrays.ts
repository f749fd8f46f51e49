/** The value of a pickle or of a PyTorch file, plain or gzipped, and its arrays. Nothing in the file is run. */

import { endianness } from "node:os";
import { inTurns } from "#src/base/abort.js";
import { shapeText } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { isUint8Array } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { runPickleInSteps } from "#src/files/formats/pickle/machine.js";
import { ByteReader, OP } from "#src/files/formats/pickle/reader.js";
import {
  EncodedText,
  PickledArray,
  PickledList,
  type PickledValue,
} from "#src/files/formats/pickle/values.js";
import { type ShortPickle, withoutPayloads } from "#src/files/formats/pickle/without-payloads.js";
import { openTorch, type TorchFile } from "#src/files/formats/torch/container.js";
import { looksLikeTorch } from "#src/files/formats/torch/head.js";
import { STORAGE_BYTES, type StorageType, TorchTensor } from "#src/files/formats/torch/values.js";
import { inflateGzip, isGzip } from "#src/files/inflate.js";
import { readInto, readWholeFile, withFile } from "#src/files/read-file.js";
import { gathered } from "./row-major.js";
import { type ArrayType, isArrayType, type StoredArray } from "./stored-array.js";
import { type Elements, elementsOf, fileElements } from "./stream/elements.js";
import type { KnownFile } from "./stream/file-hash.js";

/** Most bytes of a file, and of its content where it is gzipped: Nielsen's has 220 MB. */
const LIMIT_BYTES = 2 ** 30;
/** Characters that show a PyTorch file: the name of a ZIP's first entry is among them. */
const HEAD_BYTES = 256;
const TENSOR_TYPES: Readonly<Partial<Record<StorageType, ArrayType>>> = {
  bool: "b1",
  uint8: "u1",
  int8: "i1",
  int16: "i2",
  int32: "i4",
  int64: "i8",
  float16: "f2",
  float32: "f4",
  float64: "f8",
};

/** What a file holds. */
export interface Unpickled {
  readonly path: string;
  /** For the hash. */
  readonly file: KnownFile;
  /** The pickle whose arrays stay in the file. */
  readonly short: ShortPickle | undefined;
  readonly root: PickledValue;
  readonly torch: TorchFile | undefined;
}

/** @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_ZIP_*; DatasetError ERR_GZIP_*; NetworkError ERR_PICKLE_* */
export async function unpickled(path: string): Promise<Unpickled> {
  return (await unpickledInPlace(path)) ?? unpickledWhole(path);
}

/** Undefined for a file that must be held whole: a gzipped one, a pipe, a ZIP, or a pickle without long byte strings. */
async function unpickledInPlace(path: string): Promise<Unpickled | undefined> {
  return withFile(path, async (file) => {
    const first = new Uint8Array(1);
    if (file.bytes !== undefined || (await readInto(file, first, 0)) < 1 || first[0] !== OP.PROTO)
      return undefined;
    const short = await withoutPayloads(file);
    if (short === undefined || looksLikeTorch(headOf(short.bytes))) return undefined;
    try {
      const root = await inTurns(runPickleInSteps(new ByteReader(path, short.bytes)));
      return { path, file: { path, bytes: undefined, stamp: file.stamp }, short, root, torch: undefined };
    } catch {
      // The fault is named by its place in the whole file.
      return undefined;
    }
  });
}

async function unpickledWhole(path: string): Promise<Unpickled> {
  const whole = await readWholeFile(path, LIMIT_BYTES);
  const bytes = isGzip(whole) ? await inflateGzip(path, whole, LIMIT_BYTES) : whole;
  const file = { path, bytes: whole, stamp: undefined };
  if (looksLikeTorch(headOf(bytes))) {
    const torch = await openTorch(path, bytes);
    return { path, file, short: undefined, root: torch.root, torch };
  }
  const root = await inTurns(runPickleInSteps(new ByteReader(path, bytes)));
  return { path, file, short: undefined, root, torch: undefined };
}

const headOf = (bytes: Uint8Array) => Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString("latin1");

/**
 * A value as an array: NumPy's, a tensor, or a list of numbers. Undefined for any other.
 *
 * @throws DatasetError ERR_NPZ_ARRAY for an array with too few elements, or a tensor that is not contiguous
 * @throws NetworkError ERR_ARRAY_LAYOUT for a tensor without its storage
 */
export async function arrayOf(
  read: Unpickled,
  name: string,
  value: PickledValue,
): Promise<StoredArray | undefined> {
  const { path, torch } = read;
  const inner = `${path}:${printable(name)}`;
  if (value instanceof PickledArray) return numpyArray(read, inner, name, value);
  if (value instanceof TorchTensor && torch !== undefined) return tensorArray(inner, name, value, torch);
  if (!(value instanceof PickledList) || value.items.length === 0) return undefined;
  const numbers = value.items.flatMap((item) => (typeof item === "number" ? [item] : []));
  if (numbers.length !== value.items.length) return undefined;
  const bytes = new Uint8Array(Float64Array.from(numbers).buffer);
  return inMemory(
    {
      path: inner,
      name,
      type: "f8",
      littleEndian: endianness() === "LE",
      fortranOrder: false,
      shape: [numbers.length],
    },
    bytes,
  );
}

type ArrayFacts = Omit<StoredArray, "open">;

function inMemory(facts: ArrayFacts, bytes: Uint8Array): StoredArray {
  return { ...facts, open: async (first) => elementsOf(bytes, first) };
}

function wrongLength(path: string, facts: ArrayFacts, found: number): DatasetError {
  const expected = `the elements of ${facts.type} ${shapeText(facts.shape)}`;
  return new DatasetError("ERR_NPZ_ARRAY", { path, expected, found: `${found} bytes` });
}

/** Undefined for an array of another type, such as texts. */
function numpyArray(
  { file, short }: Unpickled,
  path: string,
  name: string,
  { state }: PickledArray,
): StoredArray | undefined {
  if (state === undefined || !isArrayType(state.dtype.name)) return undefined;
  const { shape, dtype, order } = state;
  const facts: ArrayFacts = {
    path,
    name,
    type: state.dtype.name,
    littleEndian: dtype.byteOrder !== ">",
    fortranOrder: order !== "C",
    shape,
  };
  const payload = state.payload instanceof EncodedText ? state.payload.text : state.payload;
  const isBytes = isUint8Array(payload);
  if (!isBytes && typeof payload !== "string") return undefined;
  const expectedBytes = shape.reduce((product, size) => product * size, Number(facts.type.slice(1)));
  const inFile =
    isBytes && payload.buffer === short?.bytes.buffer ? short.payloads.get(payload.byteOffset) : undefined;
  if (inFile !== undefined) {
    if (inFile.bytes !== expectedBytes) throw wrongLength(path, facts, inFile.bytes);
    return { ...facts, open: async (first) => fileElements(file, inFile.begin + first) };
  }
  if (payload.length !== expectedBytes) throw wrongLength(path, facts, payload.length);
  if (isBytes) return inMemory(facts, payload);
  if (/[\u0100-\uffff]/.test(payload)) throw wrongLength(path, facts, payload.length);
  return { ...facts, open: async (first) => textElements(payload, first) };
}

/** Bytes of a text with one character per byte, as protocols 0 to 2 have them. */
function textElements(text: string, first: number): Elements {
  let at = first;
  return {
    async read(into) {
      into.set(Buffer.from(text.slice(at, at + into.length), "latin1"));
      at += into.length;
    },
    async finish() {},
    async close() {},
  };
}

async function tensorArray(
  path: string,
  name: string,
  tensor: TorchTensor,
  torch: TorchFile,
): Promise<StoredArray | undefined> {
  const { storage, shape, strides, offset } = tensor;
  const type = TENSOR_TYPES[storage.type];
  if (type === undefined) return undefined;
  const facts: ArrayFacts = {
    path,
    name,
    type,
    littleEndian: torch.isLittleEndian,
    fortranOrder: false,
    shape,
  };
  const count = shape.reduce((product, size) => product * size, 1);
  const span = count === 0 ? 0 : shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, 1);
  const elementBytes = STORAGE_BYTES[storage.type];
  const begin = (storage.begin + offset) * elementBytes;
  const bytes = (await torch.bytesOf(storage.key)).subarray(begin, begin + span * elementBytes);
  if (bytes.length !== span * elementBytes) throw wrongLength(path, facts, bytes.length);
  if (count > span) {
    const next = "save tensor.contiguous()";
    const expected = "as many elements as the tensor has in its storage";
    throw new DatasetError("ERR_NPZ_ARRAY", { path, expected, found: `${count} of ${span}`, next });
  }
  const isRowMajor = shape.every((size, axis) => size === 1 || strides[axis] === stepOf(shape, axis));
  return isRowMajor ? inMemory(facts, bytes) : gathered(inMemory(facts, bytes), strides);
}

/** Elements from one place along an axis to the next, in row-major order. */
function stepOf(shape: readonly number[], axis: number): number {
  return shape.slice(axis + 1).reduce((product, size) => product * size, 1);
}
