/** Data sets with a name: the bundled set, those that are downloaded at their first use, and MNIST as plain arrays. */

import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { checkedKeys, FLAG, type KindsOf, TEXT } from "#src/base/arguments.js";
import { imageBytes, type Split } from "#src/base/contracts/dataset.js";
import type { Tensor } from "#src/base/contracts/network.js";
import { atLeast, DatasetError } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package.js";
import { type CatalogEntry, DATASET_CATALOG, type DownloadOptions } from "#src/files/catalog.js";
import { type CachedFolder, findInFolder, type LabelledPaths, SPLIT_PREFIXES } from "./folder.js";
import { assertLabelsWithin } from "./labels.js";
import { openIdxSet } from "./stream/idx-set.js";
import { collectSlab } from "./stream/slab-reader.js";

/** Files by split; a split may be missing. */
type NamedSet = Readonly<Partial<Record<Split, LabelledPaths>>>;

const BUNDLED: ReadonlyMap<string, NamedSet> = new Map([
  ["bundled", { test: fixturePaths("digits-images-idx3-ubyte.gz", "digits-labels-idx1-ubyte.gz") }],
]);

export const DATASET_NAMES: readonly string[] = [...BUNDLED.keys(), ...DATASET_CATALOG.keys()];

/**
 * Paths of a split's images and labels, or their folder, downloaded where they are not in the cache yet. `name` is one of
 * `DATASET_NAMES`.
 *
 * @throws DatasetError ERR_DATASET_SPLIT; TransferError, with any of its codes
 */
export async function namedPaths(
  name: string,
  split: Split,
  options: DownloadOptions,
): Promise<LabelledPaths | CachedFolder> {
  const entry = DATASET_CATALOG.get(name);
  if (entry === undefined) return bundledPaths(name, split);
  if (!entry.isArchive) return cachedPaths(entry, split, options);
  return (await import("./published-sets.js")).unpackedSet(entry, split, options);
}

/** The catalog lists a split's images before its labels. */
async function cachedPaths(
  entry: CatalogEntry,
  split: Split,
  options: DownloadOptions,
): Promise<LabelledPaths> {
  const starts = [SPLIT_PREFIXES[split], `${entry.name}-${split}-`];
  const names = entry.files
    .map(({ name }) => name)
    .filter((name) => starts.some((start) => name.startsWith(start)));
  if (names.length === 0) {
    throw new DatasetError("ERR_DATASET_SPLIT", {
      dataset: entry.name,
      expected: ["test", "train"],
      found: split,
    });
  }
  const { fetchEntry } = await import("#src/files/fetch-entry.js");
  const [images, labels] = atLeast(await fetchEntry(entry, { ...options, wanted: names }), 2);
  return { imagesPath: images.path, labelsPath: labels.path };
}

function bundledPaths(dataset: string, split: Split): LabelledPaths {
  const named = BUNDLED.get(dataset) ?? {};
  const paths = named[split];
  if (paths !== undefined) return paths;
  throw new DatasetError("ERR_DATASET_SPLIT", { dataset, expected: Object.keys(named), found: split });
}

function fixturePaths(images: string, labels: string): LabelledPaths {
  return {
    imagesPath: fileURLToPath(new URL(images, FIXTURES)),
    labelsPath: fileURLToPath(new URL(labels, FIXTURES)),
  };
}

/** Names the folder of MNIST's files where a call does not. */
const DIRECTORY_VARIABLE = "BATCHWISE_MNIST_DIR";
const CLASSES = 10;
const CHANNELS = 1;

/** The three switches of the book's `load_mnist`, and where the files are. */
export interface LoadMnistOptions {
  /** Pixels as float32 from 0 to 1 (the default) instead of bytes from 0 to 255. */
  readonly normalize?: boolean | undefined;
  /** Images of shape (N, 784) (the default) instead of (N, 1, 28, 28). */
  readonly flatten?: boolean | undefined;
  /** Labels of shape (N, 10), one of ten set to 1, instead of (N) (the default). */
  readonly oneHotLabel?: boolean | undefined;
  /** Folder of the four IDX files; by default what the environment variable BATCHWISE_MNIST_DIR names. */
  readonly directory?: string | undefined;
}

const OPTIONS: KindsOf<LoadMnistOptions> = {
  normalize: FLAG,
  flatten: FLAG,
  oneHotLabel: FLAG,
  directory: TEXT,
};

/** Images and labels of one split. */
export type MnistSplit<X extends Float32Array | Uint8Array> = readonly [x: Tensor<X>, t: Tensor<Uint8Array>];
/** `[[xTrain, tTrain], [xTest, tTest]]`. */
export type Mnist<X extends Float32Array | Uint8Array> = readonly [train: MnistSplit<X>, test: MnistSplit<X>];

/**
 * Reads MNIST: 60,000 training and 10,000 test images, as `load_mnist` of the book *Deep Learning from Scratch*
 * does (dataset/mnist.py in github.com/WegraLee/deep-learning-from-scratch), with its three switches and its order
 * of results:
 *
 *     const [[xTrain, tTrain], [xTest, tTest]] = await loadMnist({ directory: "mnist" });
 *
 * x is Float32Array, each element float32(byte) / float32(255), or Uint8Array without `normalize`; its shape is
 * (N, 784), or (N, 1, 28, 28) without `flatten`. t is Uint8Array of shape (N), or (N, 10) with `oneHotLabel` (where
 * the book has float64). Other sets under the same file names load too, in their own image shape.
 *
 * Nothing is downloaded, and no pickle is kept beside the files.
 *
 * @throws DatasetError ERR_MNIST_DIRECTORY when no folder is named; ERR_DATASET_FILES, ERR_COUNT_MISMATCH,
 *   ERR_LABEL_RANGE, and all that `readIdx` throws.
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY.
 */
export function loadMnist(options: LoadMnistOptions & { normalize: false }): Promise<Mnist<Uint8Array>>;
export function loadMnist(
  options?: LoadMnistOptions & { normalize?: true | undefined },
): Promise<Mnist<Float32Array>>;
export function loadMnist(options: LoadMnistOptions): Promise<Mnist<Float32Array> | Mnist<Uint8Array>>;
export async function loadMnist(options?: LoadMnistOptions): Promise<Mnist<Float32Array | Uint8Array>> {
  const {
    normalize = true,
    flatten = true,
    oneHotLabel = false,
    directory = env[DIRECTORY_VARIABLE],
  } = checkedKeys("loadMnist", "option", options, OPTIONS);
  if (!directory) throw new DatasetError("ERR_MNIST_DIRECTORY", { variable: DIRECTORY_VARIABLE });
  const load = (split: Split) => loadSplit(directory, split, { normalize, flatten, oneHotLabel });
  // One split after the other: together they would need the memory of both, bytes and floats, at the same time.
  const train = await load("train");
  return [train, await load("test")];
}

type Switches = { readonly [S in "normalize" | "flatten" | "oneHotLabel"]: boolean };

async function loadSplit(
  directory: string,
  split: Split,
  { normalize, flatten, oneHotLabel }: Switches,
): Promise<MnistSplit<Float32Array | Uint8Array>> {
  const paths = await findInFolder(directory, split);
  const dataset = await openIdxSet([paths], { name: directory, split, classNames: undefined, ...paths });
  const { total, shape } = dataset.facts;
  const slab = await collectSlab(dataset, { offset: 0, limit: total });
  assertLabelsWithin(slab, CLASSES, paths.labelsPath);
  // Out of shared memory, which not every API takes.
  const labels = slab.labels.slice();
  const imageShape = flatten ? [imageBytes(shape)] : [CHANNELS, shape.rows, shape.columns];
  return [
    { data: normalize ? scaled(slab.pixels) : slab.pixels.slice(), shape: [total, ...imageShape] },
    oneHotLabel ? { data: oneHot(labels), shape: [total, CLASSES] } : { data: labels, shape: [total] },
  ];
}

/** out[i] = float32(bytes[i]) / float32(255), correctly rounded: the doubles' quotient rounds to the same float32. */
function scaled(bytes: Uint8Array): Float32Array {
  const quotients = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);
  const out = new Float32Array(bytes.length);
  // A plain loop: `Float32Array.from` with a function takes a hundred times as long here.
  for (let i = 0; i < out.length; i++) out[i] = quotients[bytes[i]!]!;
  return out;
}

/** out (N, 10): 1 at each row's label. */
function oneHot(labels: Uint8Array): Uint8Array {
  const rows = new Uint8Array(labels.length * CLASSES);
  for (const [i, label] of labels.entries()) rows[i * CLASSES + label] = 1;
  return rows;
}
