/** Opens a data set by its name, its folder, its image and label files, or its .npz file. */
import { basename, resolve } from "node:path";
import { checkedKeys, type KindsOf, required } from "#src/base/arguments.js";
import {
  AS_STORED,
  type Dataset,
  type DatasetReading,
  type DatasetView,
  readingOf,
  type Split,
} from "#src/base/contracts/dataset.js";
import { DatasetError, UsageError } from "#src/base/errors.js";
import { DOWNLOAD } from "#src/base/known-arguments.js";
import { DATA_OPTIONS } from "#src/base/options/images.js";
import { NETWORK_OPTIONS } from "#src/base/options/network.js";
import { exactKindsOf } from "#src/base/options/values.js";
import { suggest } from "#src/base/text.js";
import { DATASET_CATALOG, type DownloadOptions } from "#src/files/catalog.js";
import { pathKind, readFileStart } from "#src/files/read-file.js";
import { findImages, findInFolder, loadNested } from "./folder.js";
import type { ArchivePath } from "./formats.js";
import { labelsBeside, readClassNames } from "./labels.js";
import { DATASET_NAMES, namedPaths } from "./named-sets.js";
import { openIdxSet, type PairPaths } from "./stream/idx-set.js";
import { viewedDataset } from "./view.js";

/** What `openDataset` takes; `invert`, `transpose`, `grayscale` and `labelOffset` change nothing by default. */
export interface DatasetRequest extends DownloadOptions, DatasetReading, Partial<DatasetView> {
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
  /** Whether every byte of large files is hashed, too. Default: samples of them. */
  readonly verify?: boolean | undefined;
}

const { offset: _, limit: __, ...ROWS } = DATA_OPTIONS;
const KINDS = exactKindsOf({ ...ROWS, offline: NETWORK_OPTIONS.offline });
const REQUEST: KindsOf<DatasetRequest> = {
  ...DOWNLOAD,
  ...KINDS,
  dataset: required(KINDS.dataset),
  split: required(KINDS.split),
};

type Source = PairPaths | readonly PairPaths[] | ArchivePath;

/** Bytes that identify a format. */
const MAGIC_BYTES = 4;
/** First bytes of IDX, gzip and ZIP. A manifest begins with a bracket. */
const STARTS = ["\0\0", "\x1f\x8b", "PK", "\x93NUM", "\x80"];
/** First bytes of an IDX file. */
const IDX_START = /^\0\0/;
/** Bytes of a pipe in which a manifest must begin. */
const HEAD_BYTES = 256;

/** Names of EMNIST's files, and names that users try for the set. Its pictures are stored transposed. */
const EMNIST = /^emnist/i;
/** EMNIST without one of its splits. */
const EMNIST_ALONE = /^emnist[-_]?$/i;
/** Marks of a pattern in a path. A file of exactly this name comes first. */
const PATTERN = /[*?]|\[.+\]|\{.+\}/;

/**
 * Opens a data set: u8 images of shape (total, rows, columns), and one u8 label per image unless `labels` is false. It reads
 * IDX files (yann.lecun.com/exdb/mnist), gzipped or not, or one .npz file with x_test, y_test and so on, as Keras stores
 * MNIST. A name has priority over a folder of that name.
 *
 * For a name such as `mnist` the split's files are downloaded into the cache, unless files of their sizes are there. Hashes are
 * checked after a download, and by `batchwise fetch`. EMNIST's pictures are turned upright and its letters count from 0.
 *
 * Only headers are read here. The set's slabs read images and labels, and throw the faults of the content.
 *
 * Labels are not compared with a network's classes here: `assertLabelsWithin` does that, and `assertClassCount` for names.
 *
 * @throws DatasetError ERR_DATASET_UNKNOWN, ERR_DATASET_SPLIT, ERR_DATASET_FILES, ERR_DATASET_LABELS, ERR_DATASET_GLOB,
 *   ERR_DATASET_LABELS_NAME, ERR_DATASET_SHAPE, ERR_COUNT_MISMATCH, ERR_CLASSES_FILE, and all that `readIdx` throws; for a
 *   .npz file ERR_NPZ_ARRAYS, ERR_NPZ_ARRAY. The slabs also throw ERR_DATASET_HASH and ERR_LABEL_RANGE.
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY; for a .npz file ERR_ZIP_*, ERR_NPY_*; for a manifest ERR_JSON_SYNTAX,
 *   ERR_JSON_SHAPE.
 * @throws UsageError ERR_USAGE for a label file beside a set with its own labels; ERR_OPTION_VALUE for an empty `labels`;
 *   ERR_OPTION_UNKNOWN, ERR_ARGUMENT.
 * @throws TransferError with any of its codes, for a set that is downloaded.
 */
export async function openDataset(request: DatasetRequest): Promise<Dataset> {
  return readDataset(checkedKeys("openDataset", "option", request, REQUEST));
}

/** `openDataset` for a request that was checked before; it may have keys of other calls too. */
export async function readDataset(request: DatasetRequest): Promise<Dataset> {
  const published = DATASET_CATALOG.has(request.dataset) ? await import("./published-sets.js") : undefined;
  published?.assertNoCorrection(request);
  const dataset = await openStored(request).catch(async (error: unknown) => {
    throw await (await loadNested()).explainedImages(request, error);
  });
  const named = published?.correctedSet(dataset, request) ?? dataset;
  return viewedDataset(named, viewOf(request));
}

function viewOf(given: Partial<DatasetView>): DatasetView {
  const { invert = false, transpose = false, grayscale = false, labelOffset = 0 } = given;
  return { invert, transpose, grayscale, labelOffset };
}

async function openStored(request: DatasetRequest): Promise<Dataset> {
  const source = await locate(request);
  const classNames = request.classes === undefined ? undefined : await readClassNames(request.classes);
  const isLabelled = request.labels !== false;
  const reading = readingOf(request);
  const given = {
    name: DATASET_NAMES.includes(request.dataset) ? request.dataset : basename(resolve(request.dataset)),
    split: request.split,
    classNames,
    view: AS_STORED,
    assumptions: EMNIST.test(basename(request.dataset))
      ? (await loadNested()).emnistAssumptions(request)
      : [],
  };
  if (reading !== undefined) {
    const taken = "open" in source ? source.takesReading : "imagesPath" in source;
    (await loadFormats()).assertTaken(request.dataset, reading, taken);
  }
  if ("open" in source) {
    const { labels } = request;
    return source.open(source.path, { ...given, reading }, isLabelled, reading, labels || undefined);
  }
  const { verify } = request;
  if ("imagesPath" in source) {
    const facts = { ...given, labelsPath: source.labelsPath };
    const openArrays = async (cause?: unknown) => {
      return (await import("./idx-arrays.js")).openIdxArrays(source, { ...facts, reading }, reading, cause);
    };
    return reading === undefined ? openIdxSet([source], facts, { verify }).catch(openArrays) : openArrays();
  }
  const labelsPath = isLabelled ? request.dataset : undefined;
  return openIdxSet(source, { ...given, labelsPath }, { isListed: true, verify });
}

/** The IDX files of the set, one pair or many, or the one file that has all. */
async function locate({ dataset, labels, split, ...options }: DatasetRequest): Promise<Source> {
  // A variable of a script that is not set.
  if (labels === "") {
    throw new UsageError("ERR_OPTION_VALUE", { option: "--labels", expected: "a file", found: labels });
  }
  const kind = DATASET_NAMES.includes(dataset) ? "name" : await pathKind(dataset);
  const isPattern = kind === undefined && PATTERN.test(dataset);
  if (kind === undefined && !isPattern) {
    // Without its split, EMNIST is nearest to other data's names.
    const splits = DATASET_NAMES.filter((name) => EMNIST.test(name));
    const suggestion = EMNIST_ALONE.test(dataset) ? splits.join(", ") : suggest(dataset, DATASET_NAMES);
    throw new DatasetError("ERR_DATASET_UNKNOWN", { found: dataset, known: DATASET_NAMES, suggestion });
  }
  const start = kind === "file" ? await startOf(dataset) : "";
  const isManifest = kind === "file" && (start.trimStart().startsWith("[") || dataset.endsWith(".json"));
  const isOther = kind === "file" && !isManifest && !IDX_START.test(start);
  const archive = isOther ? await (await loadFormats()).archiveAt(dataset, start, options) : undefined;
  if (archive !== undefined) {
    if (labels && !archive.takesLabels) throw ownLabels(dataset, labels);
    return archive;
  }
  if (kind === "file" && !isManifest) {
    if (labels === undefined) {
      const beside = await labelsBeside(dataset);
      if (beside?.path !== undefined) return { imagesPath: dataset, labelsPath: beside.path };
      throw new DatasetError("ERR_DATASET_LABELS", { path: dataset, beside: beside?.expected });
    }
    return { imagesPath: dataset, labelsPath: labels === false ? undefined : labels };
  }
  if (labels && kind === "folder") {
    const source = await (await loadFormats()).withinFolder(dataset, { ...options, split });
    if (!source?.takesLabels) throw ownLabels(dataset, labels);
    return source;
  }
  if (labels) throw ownLabels(dataset, labels);
  if (isPattern && /\.parquet$/i.test(dataset)) return parquetByPattern(dataset, options);
  if (isPattern || isManifest) {
    const { pairsByPattern, pairsOfManifest } = await import("./stream/find-pairs.js");
    return isPattern
      ? onlyOrAll(await pairsByPattern(dataset, labels !== false))
      : pairsOfManifest(dataset, labels !== false);
  }
  if (kind === "folder") return inFolder({ dataset, labels, split, ...options });
  const paths = await namedPaths(dataset, split, options);
  if ("folder" in paths) return inFolder({ dataset: paths.folder, labels, split, ...options });
  return labels === false ? { imagesPath: paths.imagesPath } : paths;
}

/** IDX files, or Parquet files or pictures where there are none. */
async function inFolder(request: DatasetRequest): Promise<Source> {
  const { dataset, labels, split } = request;
  try {
    return labels === false
      ? { imagesPath: await findImages(dataset, split) }
      : await findInFolder(dataset, split);
  } catch (error) {
    const isMissing = error instanceof DatasetError && error.code === "ERR_DATASET_FILES";
    const source = isMissing ? await (await loadFormats()).withinFolder(dataset, request) : undefined;
    if (source === undefined) throw error;
    return source;
  }
}

async function parquetByPattern(pattern: string, options: Partial<DatasetRequest>): Promise<Source> {
  const { filesByPattern } = await import("./stream/find-pairs.js");
  const paths = (await filesByPattern(pattern)).sort();
  if (paths.length === 0) throw new DatasetError("ERR_DATASET_GLOB", { pattern, matched: 0 });
  return (await loadFormats()).parquetAt(paths, options);
}

function ownLabels(dataset: string, labels: string): UsageError {
  const problem = `--labels ${labels}: expected none, since "${dataset}" brings its own labels`;
  return new UsageError("ERR_USAGE", { problem });
}

/** Other formats than IDX, loaded only for a path that is no pair of IDX files. */
const loadFormats = () => import("./formats.js");

/** A pattern that fits one pair is a way to name it. */
function onlyOrAll(pairs: readonly PairPaths[]): PairPaths | readonly PairPaths[] {
  const [first] = pairs;
  return pairs.length === 1 && first !== undefined ? first : pairs;
}

/** What a file is is told by its content, not by its name; IDX files begin with zeros, gzip files with 1f 8b. */
async function startOf(path: string): Promise<string> {
  return Buffer.from(await readFileStart(path, MAGIC_BYTES, canBegin)).toString("latin1");
}

async function canBegin(head: Uint8Array): Promise<boolean> {
  const start = Buffer.from(head.subarray(0, HEAD_BYTES)).toString("latin1");
  if (STARTS.some((magic) => start.startsWith(magic)) || start.trimStart().startsWith("[")) return true;
  return (await loadFormats()).canBeTable(head);
}
