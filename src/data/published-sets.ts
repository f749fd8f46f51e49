/** Published sets by name: the names of their classes, what corrects them, and those that come in an archive. */

import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AS_STORED, type Dataset, type DatasetView, type Split } from "#src/base/contracts/dataset.js";
import { atLeast, DatasetError, FileError, reasonOf, TransferError, UsageError } from "#src/base/errors.js";
import { type CatalogEntry, cacheFolder, type DownloadOptions, folderOf } from "#src/files/catalog.js";
import { type FetchOptions, fetchEntry } from "#src/files/fetch-entry.js";
import { pathKind, readWholeFile } from "#src/files/read-file.js";
import { releaseTemporary, temporaryBeside } from "#src/files/write-file.js";
import type { CachedFolder, LabelledPaths } from "./folder.js";
import { viewedDataset } from "./view.js";

/** Members of EMNIST's archive together; they are gzipped already. */
const MAX_EMNIST_BYTES = 2 ** 30;
/** CIFAR-10's six files of 10,000 records of 3,073 bytes, and smaller ones. */
const MAX_CIFAR_BYTES = 200_000_000;
/** Files of CIFAR-10's binary version (cs.toronto.edu/~kriz/cifar.html). */
const CIFAR_FOLDER = "cifar-10-batches-bin";
const CIFAR_FILES = [
  ...[1, 2, 3, 4, 5].map((n) => `data_batch_${n}.bin`),
  "test_batch.bin",
  // The class names come last: a folder that has them is whole.
  "batches.meta.txt",
];

const letters = (first: string, count: number) =>
  Array.from({ length: count }, (_, n) => String.fromCharCode(first.charCodeAt(0) + n));
const DIGITS_AND_CAPITALS = [...letters("0", 10), ...letters("A", 26)];
// Lower-case letters that look unlike their capitals, in the order of EMNIST.classes_split_dict in pytorch/vision,
// torchvision/datasets/mnist.py.
const MERGED = [...DIGITS_AND_CAPITALS, ..."abdefghnqrt"];

/** Class names of sets whose labels are not digits. CIFAR-10's archive has its own. */
const CLASS_NAMES: Readonly<Record<string, readonly string[]>> = {
  // README of zalandoresearch/fashion-mnist, "Labels".
  "fashion-mnist": [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
  ],
  // codh.rois.ac.jp/kmnist/dataset/kmnist/kmnist_classmap.csv; torchvision's KMNIST.classes has the same order in Latin letters.
  kmnist: [..."おきすつなはまやれを"],
  // A letter and its capital are one class.
  "emnist-letters": letters("A", 26),
  "emnist-balanced": MERGED,
  "emnist-bymerge": MERGED,
  "emnist-byclass": [...DIGITS_AND_CAPITALS, ...letters("a", 26)],
};

const IS_EMNIST = /^emnist-/;

/** EMNIST stores its pictures transposed, and counts its letters from 1 (pytorch/vision#8783). */
function correctionOf(name: string): DatasetView | undefined {
  if (!IS_EMNIST.test(name)) return undefined;
  return { ...AS_STORED, transpose: true, labelOffset: name === "emnist-letters" ? -1 : 0 };
}

type Named = { readonly dataset: string; readonly classes?: string | undefined };

/** An option that corrects EMNIST's files would undo what its name does. @throws UsageError ERR_USAGE */
export function assertNoCorrection({ dataset, transpose, labelOffset }: Named & Partial<DatasetView>): void {
  if (correctionOf(dataset) === undefined || !(transpose || labelOffset)) return;
  const option = transpose ? "--transpose" : "--label-offset";
  const problem = `${option}: expected none, since "${dataset}" by its name has upright pictures and labels from 0`;
  throw new UsageError("ERR_USAGE", { problem });
}

/** The set with its class names, unless `classes` names others, and corrected. Further views start from the corrected set. */
export function correctedSet(stored: Dataset, { dataset, classes }: Named): Dataset {
  const view = correctionOf(dataset);
  const corrected = view === undefined ? stored : viewedDataset(stored, view);
  const classNames =
    classes === undefined ? (CLASS_NAMES[dataset] ?? stored.facts.classNames) : stored.facts.classNames;
  return { ...corrected, facts: { ...corrected.facts, classNames, view: stored.facts.view } };
}

/**
 * A split of a set that comes in an archive, unpacked beside it at its first use. Files get names of this program's, not of
 * the archive's.
 *
 * @throws DatasetError ERR_DATASET_SPLIT; FileError ERR_ZIP_STRUCTURE and others for a wrong archive; TransferError
 */
export async function unpackedSet(
  entry: CatalogEntry,
  split: Split,
  options: DownloadOptions & Pick<FetchOptions, "limits">,
): Promise<LabelledPaths | CachedFolder> {
  if (split === "val") {
    const expected = ["test", "train"];
    throw new DatasetError("ERR_DATASET_SPLIT", { dataset: entry.name, expected, found: split });
  }
  const home = join(cacheFolder(), folderOf(entry));
  if (!IS_EMNIST.test(entry.name)) {
    const folder = join(home, CIFAR_FOLDER);
    await unpack(entry, CIFAR_FILES, folder, options, cifarMembers);
    return { folder };
  }
  const [images, labels] = [`${entry.name}-${split}-images-idx3`, `${entry.name}-${split}-labels-idx1`];
  const names = [`${images}-ubyte.gz`, `${labels}-ubyte.gz`];
  await unpack(entry, names, home, options, emnistMembers);
  const [imagesPath, labelsPath] = atLeast(
    names.map((name) => join(home, name)),
    2,
  );
  return { imagesPath, labelsPath };
}

type ReadMembers = (path: string, names: readonly string[], limitBytes: number) => AsyncIterable<Uint8Array>;

async function unpack(
  entry: CatalogEntry,
  names: readonly string[],
  folder: string,
  options: DownloadOptions,
  members: ReadMembers,
): Promise<void> {
  const kinds = await Promise.all(names.map((name) => pathKind(join(folder, name))));
  if (kinds.every((kind) => kind === "file")) return;
  const [{ path, file }] = atLeast(await fetchEntry(entry, { ...options, verify: "hash" }), 1);
  let n = 0;
  for await (const content of members(path, names, file.bytes))
    await keep(join(folder, names[n++]!), content);
}

/** Puts a file into the cache, whole or not at all. @throws TransferError ERR_CACHE_WRITE */
async function keep(path: string, content: Uint8Array): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, content, { flush: true });
    await rename(temporary, path);
  } catch (error) {
    throw new TransferError("ERR_CACHE_WRITE", { path, reason: reasonOf(error) }, { cause: error });
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
    releaseTemporary(temporary);
  }
}

/** The members `gzip/NAME` of EMNIST's ZIP, which is in memory while two of them are unpacked. */
async function* emnistMembers(path: string, names: readonly string[], limitBytes: number) {
  const { readZipDirectory, wholeEntry } = await import("#src/files/formats/zip.js");
  const entries = readZipDirectory(path, await readWholeFile(path, limitBytes), MAX_EMNIST_BYTES, true);
  for (const name of names) {
    const member = `gzip/${name}`;
    const entry = entries.find((one) => one.name === member);
    if (entry === undefined) {
      throw new FileError("ERR_ZIP_STRUCTURE", { path, expected: `an entry "${member}"`, found: "none" });
    }
    yield await wholeEntry(path, entry);
  }
}

async function* cifarMembers(path: string, names: readonly string[], limitBytes: number) {
  const { inflateGzip } = await import("#src/files/inflate.js");
  const { tarMember, tarMembers } = await import("#src/files/formats/tar.js");
  const bytes = await inflateGzip(path, await readWholeFile(path, limitBytes), MAX_CIFAR_BYTES);
  const members = tarMembers(path, bytes);
  for (const name of names) yield tarMember(path, members, `${CIFAR_FOLDER}/${name}`);
}
