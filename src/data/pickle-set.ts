/**
 * Labelled sets in pickles and PyTorch files: the book's mnist.pkl, Nielsen's mnist.pkl.gz, CIFAR's batches for Python,
 * torchvision's processed/test.pt. Nothing in them is run.
 */

import { join } from "node:path";
import type { Split } from "#src/base/contracts/dataset.js";
import { shapeText } from "#src/base/errors/define.js";
import { DatasetError } from "#src/base/errors.js";
import { isMap } from "#src/base/realm.js";
import { kindOf, PickledList, PickledTuple, type PickledValue } from "#src/files/formats/pickle/values.js";
import { pathKind } from "#src/files/read-file.js";
import { choosePair } from "./array-pairs.js";
import { arraysDataset } from "./array-set.js";
import { assertNames } from "./labels.js";
import { arrayOf, type Unpickled, unpickled } from "./pickle-arrays.js";
import { inRowMajor } from "./row-major.js";
import type { StoredArray } from "./stored-array.js";
import { hashOfFiles } from "./stream/file-hash.js";
import type { OpenArchive } from "./stream/idx-set.js";

/** An image of CIFAR: all red bytes, all green ones, all blue ones (cs.toronto.edu/~kriz/cifar.html). */
const CIFAR_SHAPE = "3x32x32";
const CIFAR_INPUTS = 3_072;

/** Splits by their places in a tuple of pairs: Keras' load_data has two, Nielsen's file three. */
const PLACES: ReadonlyMap<number, readonly Split[]> = new Map([
  [2, ["train", "test"]],
  [3, ["train", "val", "test"]],
]);
/**
 * Opens one file.
 *
 * @throws DatasetError ERR_DATASET_FORMAT, ERR_NPZ_ARRAYS, ERR_NPZ_ARRAY, ERR_COUNT_MISMATCH, ERR_GZIP_*
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_ZIP_*; NetworkError ERR_PICKLE_*, ERR_NETWORK_FORMAT, ERR_ARRAY_LAYOUT
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
    sha256: () => hashOfFiles([read.file], false),
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

/** Opens such a folder. @throws as `openPickleSet`; DatasetError ERR_DATASET_SPLIT, ERR_CLASSES_FILE */
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
    sha256: () =>
      hashOfFiles(
        parts.map(({ read }) => read.file),
        false,
      ),
  });
};

async function namesIn(path: string, key: string): Promise<readonly string[] | undefined> {
  const { root } = await unpickled(path);
  const list = isMap(root) ? root.get(key) : undefined;
  const names =
    list instanceof PickledList ? list.items.flatMap((name) => (typeof name === "string" ? [name] : [])) : [];
  if (!(list instanceof PickledList) || names.length === 0 || names.length !== list.items.length)
    return undefined;
  assertNames(path, names, "place");
  return names;
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

/** Arrays one behind the other. */
function joined(stored: readonly StoredArray[]): StoredArray {
  const arrays = stored.map(inRowMajor);
  const [first] = arrays;
  if (first === undefined) throw new RangeError("no arrays");
  const other = arrays.find(
    ({ shape, type }) => `${shape.slice(1)}` !== `${first.shape.slice(1)}` || type !== first.type,
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
            current?.check?.();
            await current?.close();
            current = await arrays[++n]?.open(0);
          }
        },
        async finish() {},
        check: () => current?.check?.(),
        close: async () => current?.close(),
      };
    },
  };
}
