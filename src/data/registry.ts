/** Opens a data set by its name, its folder, its image and label files, or its .npz file. */
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import {
  checkedKeys,
  either,
  FALSE,
  FLAG,
  FUNCTION,
  type KindsOf,
  required,
  TEXT,
  WHOLE_NUMBER,
  wordOf,
} from "#src/base/arguments.js";
import {
  AS_STORED,
  type Dataset,
  type DatasetView,
  SPLITS,
  type Split,
} from "#src/base/contracts/dataset.js";
import { DatasetError, UsageError } from "#src/base/errors.js";
import { DOWNLOAD } from "#src/base/known-arguments.js";
import { suggest } from "#src/base/text.js";
import type { PairPaths } from "#src/data/stream/streamed-dataset.js";
import type { DownloadOptions } from "#src/files/catalog.js";
import { pathKind, readFileStart, sha256Of } from "#src/files/read-file.js";
import { findImages, findInFolder } from "./folder.js";
import { type Images, type OnSized, readClassNames, readImages, readLabelled } from "./labels.js";
import { DATASET_NAMES, namedPaths } from "./named-sets.js";
import { memoryDataset, viewedDataset, viewedShape } from "./view.js";

/** What `openDataset` takes; `invert`, `transpose` and `labelOffset` change nothing by default. */
export interface DatasetRequest extends DownloadOptions, Partial<DatasetView> {
  /**
   * A name of `DATASET_NAMES`, a folder with MNIST's file names, an IDX file of images, a .npz file, a pattern of image
   * files (`shards/*-images-idx3-ubyte.gz`) whose labels are named likewise, or a manifest that lists pairs of files.
   */
  readonly dataset: string;
  /** The IDX file of labels; needed for a file of images, refused otherwise. False: no labels are read. */
  readonly labels?: string | false | undefined;
  /** A file of class names, one a line. */
  readonly classes?: string | undefined;
  /** Which half of a set that has both; of files that are named one by one it is only passed on. */
  readonly split: Split;
  /** May never be called: not every format tells its size before it is read. */
  readonly onSized?: OnSized | undefined;
}

const REQUEST: KindsOf<DatasetRequest> = {
  ...DOWNLOAD,
  offline: FLAG,
  dataset: required(TEXT),
  labels: either(TEXT, FALSE),
  classes: TEXT,
  split: required(wordOf(SPLITS)),
  invert: FLAG,
  transpose: FLAG,
  labelOffset: WHOLE_NUMBER,
  onSized: FUNCTION,
};

interface SetPaths {
  readonly imagesPath: string;
  /** Undefined where the images are to be read alone. */
  readonly labelsPath?: string | undefined;
}

/** One file with images and labels. */
interface WholePath {
  readonly path: string;
  readonly read: ReadWholeSet;
}

type Source = SetPaths | readonly PairPaths[] | WholePath;

/** Image files up to this length, gzipped or not, are in memory before the first image is evaluated: that starts fastest. */
const MEMORY_FILE_BYTES = 8 * 2 ** 20;
/** Of longer files, those with no more content than this. */
const MEMORY_CONTENT_BYTES = 64 * 2 ** 20;

/** Throws as its reader documents. */
type ReadWholeSet = (path: string, split: Split, labelled: boolean) => Promise<SetFiles>;

/** Sets with images and labels in one file, by its first bytes; a reader is loaded when such a file is there. */
const WHOLE_SETS: ReadonlyMap<string, ReadWholeSet> = new Map<string, ReadWholeSet>([
  ["PK\x03\x04", async (...file) => (await import("./npz-set.js")).readNpzSet(...file)],
]);
/** So many tell which of them a file is. */
const MAGIC_BYTES = 4;

/** Names of EMNIST's files, and what they are asked for by. */
const EMNIST = /^emnist/i;
/** What stands in a path only where it is a pattern, unless there is such a file. */
const PATTERN = /[*?]|\[.+\]|\{.+\}/;

/**
 * Opens a set of u8 images, labelled unless asked for the images alone: images of shape (total, rows, columns), one u8
 * label each, from IDX files (yann.lecun.com/exdb/mnist), gzipped or not, or from one .npz file with x_test, y_test and
 * so on, as Keras keeps MNIST. A name wins over a folder that is called the same.
 *
 * Of `mnist`, `fashion-mnist` and `kmnist` the split's two files are downloaded into the cache, unless they are there
 * in their sizes; their hashes are checked when they come, and by `batchwise fetch`.
 *
 * What is larger than memory should hold is not read here: its slabs are, in a ring where the caller wants one. That are
 * several pairs of files, and images of more than 64 MiB in an IDX file of more than 8 MiB.
 *
 * Labels are not yet held against a network's classes: `assertLabelsWithin` does that, `assertClassCount` the same
 * for names.
 *
 * @throws DatasetError ERR_DATASET_UNKNOWN, ERR_DATASET_SPLIT, ERR_DATASET_FILES, ERR_DATASET_LABELS, ERR_DATASET_GLOB,
 *   ERR_DATASET_LABELS_NAME, ERR_DATASET_SHAPE, ERR_COUNT_MISMATCH, ERR_CLASSES_FILE, and all that `readIdx` throws; of a
 *   .npz file ERR_NPZ_ARRAYS, ERR_NPZ_ARRAY, ERR_LABEL_RANGE. What is read while it is evaluated throws what is wrong with
 *   its content from its slabs, also ERR_DATASET_HASH.
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY; of a .npz file ERR_ZIP_*, ERR_NPY_*; of a manifest ERR_JSON_SYNTAX,
 *   ERR_JSON_SHAPE.
 * @throws UsageError ERR_USAGE for labels beside a set that brings its own; ERR_OPTION_UNKNOWN, ERR_ARGUMENT.
 * @throws TransferError, with any of its codes, for a set that has to be downloaded.
 */
export async function openDataset(request: DatasetRequest): Promise<Dataset> {
  return readDataset(checkedKeys("openDataset", "option", request, REQUEST));
}

/** `openDataset` for a request that was checked before; it may have keys of other calls too. */
export async function readDataset(request: DatasetRequest): Promise<Dataset> {
  const view = viewOf(request);
  const { onSized } = request;
  const dataset = await openStored({
    ...request,
    onSized: onSized && (({ shape, total }) => onSized({ shape: viewedShape(shape, view), total })),
  }).catch(async (error: unknown) => {
    throw await (await import("./nested.js")).explainedImages(request, error);
  });
  return viewedDataset(dataset, view);
}

function viewOf({ invert = false, transpose = false, labelOffset = 0 }: Partial<DatasetView>): DatasetView {
  return { invert, transpose, labelOffset };
}

async function openStored(request: DatasetRequest): Promise<Dataset> {
  const source = await locate(request);
  const classNames = request.classes === undefined ? undefined : await readClassNames(request.classes);
  const name = DATASET_NAMES.includes(request.dataset) ? request.dataset : basename(resolve(request.dataset));
  const facts = {
    name,
    split: request.split,
    classNames,
    view: AS_STORED,
    assumptions: EMNIST.test(basename(request.dataset))
      ? (await import("./nested.js")).emnistAssumptions(request)
      : [],
  };
  if (isMany(source) || (isPair(source) && (await isLarge(source)))) {
    const { streamedDataset } = await import("#src/data/stream/streamed-dataset.js");
    const pairs = isMany(source) ? source : [source];
    const labelsPath = isMany(source) ? request.dataset : source.labelsPath;
    const isLabelled = request.labels !== false;
    return streamedDataset(
      pairs,
      { ...facts, labelsPath: isLabelled ? labelsPath : undefined },
      { onSized: request.onSized },
    );
  }
  const { files, ...images } = await readSet(source, request);
  return memoryDataset({
    labels: undefined,
    labelsPath: undefined,
    ...images,
    ...facts,
    sha256: await sha256Of(files),
  });
}

function isMany(source: Source): source is readonly PairPaths[] {
  return Array.isArray(source);
}

function isPair(source: SetPaths | WholePath): source is SetPaths {
  return "imagesPath" in source;
}

/** The size on disk is asked first: no more is done for small sets. */
async function isLarge({ imagesPath }: SetPaths): Promise<boolean> {
  // What cannot be asked of its size cannot be read either, and its reader says why.
  const { size } = await stat(imagesPath).catch(() => ({ size: 0 }));
  if (size <= MEMORY_FILE_BYTES) return false;
  const { readIdxHead } = await import("#src/data/stream/idx-head.js");
  return (await readIdxHead(imagesPath, 3)).header.totalBytes > MEMORY_CONTENT_BYTES;
}

interface SetFiles extends Images {
  readonly labels?: Uint8Array;
  readonly labelsPath?: string;
}

async function readSet(
  source: SetPaths | WholePath,
  { split, labels, onSized }: DatasetRequest,
): Promise<SetFiles> {
  if (!isPair(source)) return source.read(source.path, split, labels !== false);
  const { imagesPath, labelsPath } = source;
  if (labelsPath === undefined) return readImages(imagesPath, onSized);
  return { ...(await readLabelled({ imagesPath, labelsPath }, onSized)), labelsPath };
}

/** The IDX files of the set, one pair or many, or the one file that has all. */
async function locate({ dataset, labels, split, ...options }: DatasetRequest): Promise<Source> {
  const kind = DATASET_NAMES.includes(dataset) ? "name" : await pathKind(dataset);
  const isPattern = kind === undefined && PATTERN.test(dataset);
  if (kind === undefined && !isPattern) {
    // EMNIST is other data than what its name is nearest to.
    const suggestion = EMNIST.test(dataset) ? undefined : suggest(dataset, DATASET_NAMES);
    throw new DatasetError("ERR_DATASET_UNKNOWN", { found: dataset, known: DATASET_NAMES, suggestion });
  }
  const start = kind === "file" ? await startOf(dataset) : "";
  const read = WHOLE_SETS.get(start);
  const isManifest = kind === "file" && (start.trimStart().startsWith("[") || dataset.endsWith(".json"));
  if (kind === "file" && read === undefined && !isManifest) {
    if (labels === undefined) {
      const beside = await (await import("./labels.js")).labelsBeside(dataset);
      if (beside?.path !== undefined) return { imagesPath: dataset, labelsPath: beside.path };
      throw new DatasetError("ERR_DATASET_LABELS", { path: dataset, beside: beside?.expected });
    }
    return { imagesPath: dataset, labelsPath: labels || undefined };
  }
  if (labels) {
    const problem = `--labels ${labels}: expected none, since "${dataset}" brings its own labels`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  if (read !== undefined) return { path: dataset, read };
  if (isPattern || isManifest) {
    const { pairsByPattern, pairsOfManifest } = await import("#src/data/stream/find-pairs.js");
    return isPattern
      ? onlyOrAll(await pairsByPattern(dataset, labels !== false))
      : pairsOfManifest(dataset, labels !== false);
  }
  if (kind === "folder") {
    return labels === false ? { imagesPath: await findImages(dataset, split) } : findInFolder(dataset, split);
  }
  const paths = await namedPaths(dataset, split, options);
  return labels === false ? { imagesPath: paths.imagesPath } : paths;
}

/** A pattern that fits one pair is a way to name it. */
function onlyOrAll(pairs: readonly PairPaths[]): PairPaths | readonly PairPaths[] {
  return pairs.length === 1 ? pairs[0] : pairs;
}

/** What a file is is told by its content, not by its name; IDX files begin with zeros, gzip files with 1f 8b. */
async function startOf(path: string): Promise<string> {
  return Buffer.from(await readFileStart(path, MAGIC_BYTES)).toString("latin1");
}
