/** Opens a data set by its name, its folder, its image and label files, or its .npz file. */
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Dataset, Split } from "../contracts/dataset.js";
import type { CatalogEntry, DownloadOptions } from "../download/catalog-entry.js";
import { DatasetError, UsageError } from "../errors.js";
import { pathKind } from "../files/path-kind.js";
import { readFileStart } from "../files/read-file.js";
import { FIXTURES } from "../package-root.js";
import { suggest } from "../suggest.js";
import { DATASET_CATALOG } from "./catalog.js";
import { readClassNames } from "./class-names.js";
import { findImages, findInFolder, SPLIT_PREFIXES } from "./folder.js";
import { type Images, type LabelledPaths, type OnSized, readImages, readLabelled } from "./labelled.js";
import { memoryDataset } from "./memory-dataset.js";
import { sha256Of } from "./sha256.js";

export interface DatasetRequest extends DownloadOptions {
  /** A name of `DATASET_NAMES`, a folder with MNIST's file names, an IDX file of images, or a .npz file. */
  readonly dataset: string;
  /** The IDX file of labels; needed for a file of images, refused otherwise. False: no labels are read. */
  readonly labels?: string | false | undefined;
  /** A file of class names, one a line. */
  readonly classes?: string | undefined;
  readonly split: Split;
  /** May never be called: not every format tells its size before it is read. */
  readonly onSized?: OnSized | undefined;
}

interface SetPaths {
  readonly imagesPath: string;
  /** Undefined where the images are to be read alone. */
  readonly labelsPath?: string | undefined;
}

const ZIP_MAGIC = "PK\x03\x04";

/** The files of each split that a set of the package's own has. */
type NamedSet = Readonly<Partial<Record<Split, LabelledPaths>>>;

const BUNDLED: ReadonlyMap<string, NamedSet> = new Map([
  ["bundled", { test: fixturePaths("digits-images-idx3-ubyte.gz", "digits-labels-idx1-ubyte.gz") }],
]);

/** Data sets that come with the package, and those that are downloaded when they are first asked for. */
export const DATASET_NAMES: readonly string[] = [...BUNDLED.keys(), ...DATASET_CATALOG.keys()];

/**
 * Opens a set of u8 images, labelled unless asked for the images alone: images of shape (total, rows, columns), one u8 label each, from IDX files
 * (yann.lecun.com/exdb/mnist), gzipped or not, or from one .npz file with x_test, y_test and so on, as Keras keeps MNIST.
 * A name wins over a folder that is called the same.
 *
 * Of `mnist`, `fashion-mnist` and `kmnist` the split's two files are downloaded into the cache, unless they are there
 * in their sizes; their hashes are checked when they come, and by `batchwise fetch`.
 *
 * Labels are not yet held against a network's classes: `assertLabelsWithin` does that, `assertClassCount` the same
 * for names.
 *
 * @throws DatasetError ERR_DATASET_UNKNOWN, ERR_DATASET_SPLIT, ERR_DATASET_FILES, ERR_DATASET_LABELS,
 *   ERR_COUNT_MISMATCH, ERR_CLASSES_FILE, and all that `readIdx` and `readNpzSet` throw.
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY, ERR_ZIP_*, ERR_NPY_*.
 * @throws UsageError ERR_USAGE for labels beside a set that brings its own.
 * @throws TransferError, with any of its codes, for a set that has to be downloaded.
 */
export async function openDataset(request: DatasetRequest): Promise<Dataset> {
  const source = await locate(request);
  const classNames = request.classes === undefined ? undefined : await readClassNames(request.classes);
  const { files, ...images } = await readSet(source, request);
  return memoryDataset({
    labels: undefined,
    labelsPath: undefined,
    ...images,
    name: DATASET_NAMES.includes(request.dataset) ? request.dataset : basename(resolve(request.dataset)),
    split: request.split,
    sha256: await sha256Of(files),
    classNames,
  });
}

interface SetFiles extends Images {
  readonly labels?: Uint8Array;
  readonly labelsPath?: string;
}

async function readSet(
  source: SetPaths | string,
  { split, labels, onSized }: DatasetRequest,
): Promise<SetFiles> {
  if (typeof source === "string") {
    return (await import("./npz-set.js")).readNpzSet(source, split, labels !== false);
  }
  const { imagesPath, labelsPath } = source;
  if (labelsPath === undefined) return readImages(imagesPath, onSized);
  return { ...(await readLabelled({ imagesPath, labelsPath }, onSized)), labelsPath };
}

/** The IDX files of the set, or the one .npz file that has all. */
async function locate({ dataset, labels, split, ...options }: DatasetRequest): Promise<SetPaths | string> {
  const kind = DATASET_NAMES.includes(dataset) ? "name" : await pathKind(dataset);
  if (kind === undefined) {
    const suggestion = suggest(dataset, DATASET_NAMES);
    throw new DatasetError("ERR_DATASET_UNKNOWN", { found: dataset, known: DATASET_NAMES, suggestion });
  }
  const isNpz = kind === "file" && (await startsLikeZip(dataset));
  if (kind === "file" && !isNpz) {
    if (labels === undefined) throw new DatasetError("ERR_DATASET_LABELS", { path: dataset });
    return { imagesPath: dataset, labelsPath: labels || undefined };
  }
  if (labels) {
    const problem = `--labels ${labels}: expected none, since "${dataset}" brings its own labels`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  if (isNpz) return dataset;
  if (kind === "folder") {
    return labels === false ? { imagesPath: await findImages(dataset, split) } : findInFolder(dataset, split);
  }
  const entry = DATASET_CATALOG.get(dataset);
  const paths = entry === undefined ? bundledPaths(dataset, split) : await cachedPaths(entry, split, options);
  return labels === false ? { imagesPath: paths.imagesPath } : paths;
}

/** By content, not by name; no IDX file begins so, and no gzip file. */
async function startsLikeZip(path: string): Promise<boolean> {
  const start = await readFileStart(path, ZIP_MAGIC.length);
  return Buffer.from(start).toString("latin1") === ZIP_MAGIC;
}

/** The catalog lists a split's images before its labels. */
async function cachedPaths(
  entry: CatalogEntry,
  split: Split,
  options: DownloadOptions,
): Promise<LabelledPaths> {
  const names = entry.files.map(({ name }) => name).filter((name) => name.startsWith(SPLIT_PREFIXES[split]));
  const { fetchEntry } = await import("../download/fetch-entry.js");
  const [images, labels] = await fetchEntry(entry, { ...options, wanted: names });
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
