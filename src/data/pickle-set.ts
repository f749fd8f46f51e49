/**
 * Labelled sets in pickles and PyTorch files: the book's mnist.pkl, Nielsen's mnist.pkl.gz, CIFAR's batches for Python,
 * torchvision's processed/test.pt. Nothing in them is run.
 */

import { endianness } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { inTurns } from "#src/base/abort.js";
import type { Split } from "#src/base/contracts/dataset.js";
import { shapeText } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { isMap, isUint8Array } from "#src/base/realm.js";
import { runPickleInSteps } from "#src/files/formats/pickle/machine.js";
import { ByteReader } from "#src/files/formats/pickle/reader.js";
import {
  EncodedText,
  kindOf,
  PickledArray,
  PickledList,
  PickledTuple,
  type PickledValue,
} from "#src/files/formats/pickle/values.js";
import { openTorch, type TorchFile } from "#src/files/formats/torch/container.js";
import { looksLikeTorch } from "#src/files/formats/torch/head.js";
import { STORAGE_BYTES, type StorageType, TorchTensor } from "#src/files/formats/torch/values.js";
import { sha256Of } from "#src/files/hash.js";
import {
  assertCanHold,
  assertTrailer,
  corrupt,
  inflateAtMost,
  isGzip,
  openGzip,
  TRAILER_BYTES,
} from "#src/files/inflate.js";
import { pathKind, readWholeFile } from "#src/files/read-file.js";
import { choosePair } from "./array-pairs.js";
import { type ArrayType, arraysDataset, isArrayType, type StoredArray } from "./array-set.js";
import { type Elements, elementsOf } from "./stream/elements.js";
import type { OpenArchive } from "./stream/idx-set.js";

/** Most bytes of a file, and of its content where it is gzipped: Nielsen's has 220 MB. */
const LIMIT_BYTES = 2 ** 30;
/** Characters that show a PyTorch file: the name of a ZIP's first entry is among them. */
const HEAD_BYTES = 256;
/** An image of CIFAR: all red bytes, all green ones, all blue ones (cs.toronto.edu/~kriz/cifar.html). */
const CIFAR_SHAPE = "3x32x32";
const CIFAR_INPUTS = 3_072;

/** Splits by their places in a tuple of pairs: Keras' load_data has two, Nielsen's file three. */
const PLACES: ReadonlyMap<number, readonly Split[]> = new Map([
  [2, ["train", "test"]],
  [3, ["train", "val", "test"]],
]);
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

/** What a file holds: its value, and its bytes for the hash. */
interface Unpickled {
  readonly path: string;
  readonly file: Uint8Array;
  readonly root: PickledValue;
  readonly torch: TorchFile | undefined;
}

/**
 * Opens one file.
 *
 * @throws DatasetError ERR_DATASET_FORMAT, ERR_NPZ_ARRAYS, ERR_NPZ_ARRAY, ERR_COUNT_MISMATCH, ERR_GZIP_*
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_ZIP_*; NetworkError ERR_PICKLE_*
 */
export const openPickleSet: OpenArchive = async (path, given, labelled, reading) => {
  const read = await unpickled(path);
  const arrays = await arraysOf(read);
  const pair = choosePair(path, given.name, arrays, given.split, labelled);
  return arraysDataset({
    ...pair,
    path,
    given,
    reading: withShape(read.root, pair.images, reading),
    sha256: () => sha256Of([read.file]),
  });
};

/** A folder of batches, with the files of each split, the file of class names, and the name of their list. */
interface Batches {
  readonly files: Readonly<Partial<Record<Split, readonly string[]>>>;
  readonly meta: string;
  readonly names: string;
}

const BATCHES: readonly Batches[] = [
  {
    files: { test: ["test_batch"], train: [1, 2, 3, 4, 5].map((n) => `data_batch_${n}`) },
    meta: "batches.meta",
    names: "label_names",
  },
  { files: { test: ["test"], train: ["train"] }, meta: "meta", names: "fine_label_names" },
];

async function batchesIn(folder: string): Promise<Batches | undefined> {
  for (const batches of BATCHES) {
    const [first = ""] = batches.files.test ?? [];
    const kinds = await Promise.all([batches.meta, first].map((name) => pathKind(join(folder, name))));
    if (kinds.every((kind) => kind === "file")) return batches;
  }
  return undefined;
}

/** Whether a folder has CIFAR's batches for Python. */
export async function isBatches(folder: string): Promise<boolean> {
  return (await batchesIn(folder)) !== undefined;
}

/** Opens such a folder. @throws as `openPickleSet`; DatasetError ERR_DATASET_SPLIT */
export const openBatches: OpenArchive = async (folder, given, labelled, reading) => {
  const { files = {}, meta = "", names = "" } = (await batchesIn(folder)) ?? {};
  const wanted = files[given.split];
  if (wanted === undefined) {
    throw new DatasetError("ERR_DATASET_SPLIT", {
      dataset: folder,
      expected: Object.keys(files),
      found: given.split,
    });
  }
  const parts: {
    readonly read: Unpickled;
    readonly images: StoredArray;
    readonly labels: StoredArray | undefined;
  }[] = [];
  for (const name of wanted) {
    const read = await unpickled(join(folder, name));
    parts.push({ read, ...choosePair(read.path, name, await arraysOf(read), given.split, labelled) });
  }
  const images = joined(parts.map((part) => part.images));
  const labels = labelled ? joined(parts.flatMap((part) => part.labels ?? [])) : undefined;
  return arraysDataset({
    images,
    labels,
    path: folder,
    given: { ...given, classNames: given.classNames ?? (await namesIn(join(folder, meta), names)) },
    reading: withShape(parts[0]?.read.root ?? null, images, reading),
    sha256: () => sha256Of(parts.map(({ read }) => read.file)),
  });
};

async function namesIn(path: string, key: string): Promise<readonly string[] | undefined> {
  const { root } = await unpickled(path);
  const list = isMap(root) ? root.get(key) : undefined;
  const names =
    list instanceof PickledList ? list.items.flatMap((name) => (typeof name === "string" ? [name] : [])) : [];
  return names.length > 0 && list instanceof PickledList && names.length === list.items.length
    ? names
    : undefined;
}

/** CIFAR's batches have names of their pictures, and no shape. */
function withShape(
  root: PickledValue,
  images: StoredArray,
  reading: Parameters<OpenArchive>[3],
): typeof reading {
  const isCifar =
    isMap(root) && root.has("filenames") && images.shape[1] === CIFAR_INPUTS && images.shape.length === 2;
  return isCifar ? { imageShape: CIFAR_SHAPE, ...reading } : reading;
}

async function unpickled(path: string): Promise<Unpickled> {
  const file = await readWholeFile(path, LIMIT_BYTES);
  const bytes = isGzip(file) ? await gunzipped(path, file) : file;
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString("latin1");
  if (looksLikeTorch(head)) {
    const torch = await openTorch(path, bytes);
    return { path, file, root: torch.root, torch };
  }
  return { path, file, root: await inTurns(runPickleInSteps(new ByteReader(path, bytes))), torch: undefined };
}

async function gunzipped(path: string, file: Uint8Array): Promise<Uint8Array> {
  const { deflate } = openGzip(file, path);
  // ISIZE: the length of the content, modulo 2^32 (RFC 1952).
  const sizeBytes = Buffer.from(file.subarray(-4)).readUInt32LE();
  const packedBytes = deflate.length - TRAILER_BYTES;
  if (packedBytes < 0 || sizeBytes === 0 || sizeBytes > LIMIT_BYTES)
    throw corrupt(path, `a content of ${sizeBytes} bytes`);
  assertCanHold(path, packedBytes, sizeBytes);
  const { content, deflateBytes } = await inflateAtMost(deflate, sizeBytes).catch((error: unknown) => {
    throw corrupt(path, error);
  });
  const member = {
    crc: crc32(content),
    contentBytes: content.length,
    trailingBytes: packedBytes - deflateBytes,
  };
  assertTrailer(path, deflate.subarray(deflateBytes, deflateBytes + TRAILER_BYTES), member);
  return content;
}

/** The arrays of a dict by their keys; those of a tuple of pairs as `train_x`, `train_y` and so on; those of a pair as `x`, `y`. */
async function arraysOf(read: Unpickled): Promise<StoredArray[]> {
  const arrays: StoredArray[] = [];
  for (const [name, value] of leavesOf(read.root)) {
    const array = await arrayOf(read, name, value);
    if (array !== undefined) arrays.push(array);
  }
  if (arrays.length > 0) return arrays;
  throw new DatasetError("ERR_DATASET_FORMAT", {
    path: read.path,
    expected: "a pickle with arrays of images and labels",
    found: kindOf(read.root),
    next: "save them by np.savez('out.npz', x_test=…, y_test=…), and give --dataset out.npz",
  });
}

function leavesOf(root: PickledValue): [name: string, value: PickledValue][] {
  if (isMap(root)) return [...root];
  const items = itemsOf(root) ?? [];
  const pairs = items.map(itemsOf);
  const splits = PLACES.get(items.length);
  if (splits !== undefined && pairs.every((pair) => pair?.length === 2)) {
    return splits.flatMap((split, n) => {
      const [x = null, y = null] = pairs[n] ?? [];
      return [
        [`${split}_x`, x],
        [`${split}_y`, y],
      ] satisfies [string, PickledValue][];
    });
  }
  return items.slice(0, 2).map((item, n) => [n === 0 ? "x" : "y", item]);
}

function itemsOf(value: PickledValue): readonly PickledValue[] | undefined {
  return value instanceof PickledTuple || value instanceof PickledList ? value.items : undefined;
}

async function arrayOf(
  { path, torch }: Unpickled,
  name: string,
  value: PickledValue,
): Promise<StoredArray | undefined> {
  const inner = `${path}:${name}`;
  if (value instanceof PickledArray) return numpyArray(inner, name, value);
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
function numpyArray(path: string, name: string, { state }: PickledArray): StoredArray | undefined {
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
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; stride *= shape[axis--]!) {
    if (shape[axis] === 1 || strides[axis] === stride) continue;
    throw new DatasetError("ERR_NPZ_ARRAY", {
      path,
      expected: "a contiguous tensor",
      found: "strides",
      next: "save tensor.contiguous()",
    });
  }
  const elementBytes = STORAGE_BYTES[storage.type];
  const begin = (storage.begin + offset) * elementBytes;
  const bytes = (await torch.bytesOf(storage.key)).subarray(begin, begin + stride * elementBytes);
  if (bytes.length !== stride * elementBytes) throw wrongLength(path, facts, bytes.length);
  return inMemory(facts, bytes);
}

/** Arrays one behind the other. */
function joined(arrays: readonly StoredArray[]): StoredArray {
  const [first] = arrays;
  if (first === undefined) throw new RangeError("no arrays");
  const other = arrays.find(
    ({ shape, type, fortranOrder }) =>
      `${shape.slice(1)}` !== `${first.shape.slice(1)}` || type !== first.type || fortranOrder,
  );
  if (other !== undefined) {
    const expected = `${first.type} of shape (…, ${first.shape.slice(1).join(", ")}) as in ${first.path}`;
    throw new DatasetError("ERR_NPZ_ARRAY", {
      path: other.path,
      expected,
      found: `${other.type} of shape ${shapeText(other.shape)}`,
    });
  }
  const rowBytes = first.shape
    .slice(1)
    .reduce((product, size) => product * size, Number(first.type.slice(1)));
  const lengths = arrays.map(({ shape }) => (shape[0] ?? 0) * rowBytes);
  return {
    ...first,
    shape: [arrays.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0), ...first.shape.slice(1)],
    async open(begin) {
      let [n, at] = [0, begin];
      while (n < lengths.length && at >= lengths[n]!) at -= lengths[n++]!;
      let current = await arrays[n]?.open(at);
      return {
        async read(into) {
          for (let done = 0; done < into.length; ) {
            const count = Math.min(into.length - done, lengths[n]! - at);
            await current?.read(into.subarray(done, done + count));
            done += count;
            at += count;
            if (at < lengths[n]! || n === arrays.length - 1) continue;
            at = 0;
            current = await arrays[++n]?.open(0);
          }
        },
        async finish() {},
        async close() {},
      };
    },
  };
}
