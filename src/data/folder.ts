/** Finds the two files of a split in a folder, under the names of MNIST's files (yann.lecun.com/exdb/mnist). */
import { join } from "node:path";
import type { Split } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { pathKind } from "#src/files/read-file.js";

/** Where the images and labels of a set are. */
export interface LabelledPaths {
  readonly imagesPath: string;
  readonly labelsPath: string;
}

/** A folder in the cache that has the files of a set. */
export interface CachedFolder {
  readonly folder: string;
}

/** What the names of a split's files begin with. */
export const SPLIT_PREFIXES: Readonly<Record<Split, string>> = { test: "t10k", train: "train", val: "val" };
/** As published; unpacked by hand, the hyphen before `idx` is often a dot. */
const SEPARATORS = ["-", "."];
/** An unpacked file is taken before its gzipped twin: it is ready to read. */
const ENDINGS = ["", ".gz"];

/** Loaded only where the folder itself has no such set. */
export const loadNested = () => import("./nested.js");

/**
 * Paths of the split's images and labels: `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, or `train-` for
 * the training split; `.idx` instead of `-idx`, and `.gz` behind, are understood too. Where the folder has neither, the one
 * set that lies up to two levels below is taken.
 *
 * @throws DatasetError ERR_DATASET_FILES when one of them is not there.
 */
export async function findInFolder(folder: string, split: Split): Promise<LabelledPaths> {
  const prefix = SPLIT_PREFIXES[split];
  const [imagesPath, labelsPath] = await Promise.all([
    firstFile(folder, `${prefix}-images`, "idx3-ubyte"),
    firstFile(folder, `${prefix}-labels`, "idx1-ubyte"),
  ]);
  if (imagesPath !== undefined && labelsPath !== undefined) return { imagesPath, labelsPath };
  const { findBelow } = await loadNested();
  const { pair, next } = await findBelow(folder, split, prefix, true);
  if (pair?.labelsPath !== undefined) return { imagesPath: pair.imagesPath, labelsPath: pair.labelsPath };
  const images = `${prefix}-images-idx3-ubyte`;
  const labels = `${prefix}-labels-idx1-ubyte`;
  const found = [...(imagesPath ? [images] : []), ...(labelsPath ? [labels] : [])];
  throw new DatasetError("ERR_DATASET_FILES", { path: folder, expected: [images, labels], found, next });
}

/** Path of the split's images alone. @throws DatasetError ERR_DATASET_FILES when they are not there. */
export async function findImages(folder: string, split: Split): Promise<string> {
  const prefix = SPLIT_PREFIXES[split];
  const path = await firstFile(folder, `${prefix}-images`, "idx3-ubyte");
  if (path !== undefined) return path;
  const { findBelow } = await loadNested();
  const { pair, next } = await findBelow(folder, split, prefix, false);
  if (pair !== undefined) return pair.imagesPath;
  throw new DatasetError("ERR_DATASET_FILES", {
    path: folder,
    expected: [`${prefix}-images-idx3-ubyte`],
    found: [],
    next,
  });
}

async function firstFile(folder: string, stem: string, format: string): Promise<string | undefined> {
  const candidates = SEPARATORS.flatMap((separator) =>
    ENDINGS.map((ending) => join(folder, `${stem}${separator}${format}${ending}`)),
  );
  const kinds = await Promise.all(candidates.map(pathKind));
  return candidates.find((_, i) => kinds[i] === "file");
}
