/** Sets that have a name: those that the package carries, and those that are downloaded when they are first asked for. */
import { fileURLToPath } from "node:url";
import type { Split } from "#src/base/contracts/dataset.js";
import { DatasetError } from "#src/base/errors.js";
import { FIXTURES } from "#src/base/package-root.js";
import { DATASET_CATALOG } from "#src/files/catalog.js";
import type { CatalogEntry, DownloadOptions } from "#src/files/download/catalog-entry.js";
import { SPLIT_PREFIXES } from "./folder.js";
import type { LabelledPaths } from "./labelled.js";

/** The files of each split that there is. */
type NamedSet = Readonly<Partial<Record<Split, LabelledPaths>>>;

const BUNDLED: ReadonlyMap<string, NamedSet> = new Map([
  ["bundled", { test: fixturePaths("digits-images-idx3-ubyte.gz", "digits-labels-idx1-ubyte.gz") }],
]);

export const DATASET_NAMES: readonly string[] = [...BUNDLED.keys(), ...DATASET_CATALOG.keys()];

/**
 * Paths of a split's images and labels, downloaded where they are not in the cache yet. `name` is one of `DATASET_NAMES`.
 *
 * @throws DatasetError ERR_DATASET_SPLIT; TransferError, with any of its codes
 */
export async function namedPaths(
  name: string,
  split: Split,
  options: DownloadOptions,
): Promise<LabelledPaths> {
  const entry = DATASET_CATALOG.get(name);
  return entry === undefined ? bundledPaths(name, split) : cachedPaths(entry, split, options);
}

/** The catalog lists a split's images before its labels. */
async function cachedPaths(
  entry: CatalogEntry,
  split: Split,
  options: DownloadOptions,
): Promise<LabelledPaths> {
  const names = entry.files.map(({ name }) => name).filter((name) => name.startsWith(SPLIT_PREFIXES[split]));
  const { fetchEntry } = await import("#src/files/download/fetch-entry.js");
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
