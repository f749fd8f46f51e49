/** Loads a data set and a network that are to be used together, and refuses those that do not fit. */
import type { Dataset, ImageRange } from "./contracts/dataset.js";
import type { Network } from "./contracts/network.js";
import { assertClassCount } from "./datasets/class-names.js";
import { assertLabelsWithin } from "./datasets/labels.js";
import { openDataset } from "./datasets/registry.js";
import type { DownloadOptions } from "./download/catalog-entry.js";
import { DatasetError, NetworkError } from "./errors.js";
import { choosePreprocessing } from "./networks/recipe.js";
import { loadNetwork } from "./networks/registry.js";
import { assertFitsImages } from "./networks/validate.js";
import type { EvaluateOptions } from "./options.js";
import type { Slab } from "./slabs/slab.js";
import { together } from "./together.js";

/** The confusion matrix has the square of this many counts at most. */
const MAX_CLASSES = 1024;

export interface DataAndNetwork {
  readonly dataset: Dataset;
  readonly network: Network;
  /** The network's outputs. */
  readonly classes: number;
  /** The images asked for, within the set. */
  readonly range: ImageRange;
  /** The images of the range, unless of another, their labels checked. */
  slabs(multiple: number, range?: ImageRange): AsyncIterable<Slab>;
}

type PairOptions = Pick<
  EvaluateOptions,
  | "dataset"
  | "labels"
  | "classes"
  | "split"
  | "offline"
  | "weights"
  | "activation"
  | "normalize"
  | "offset"
  | "limit"
>;

export async function loadPair(
  options: PairOptions,
  download: Omit<DownloadOptions, "offline"> = {},
): Promise<DataAndNetwork> {
  const { dataset: named, weights, activation, normalize, offline, offset, limit } = options;
  const [dataset, network] = await together(
    download.signal ?? new AbortController().signal,
    async (signal) =>
      typeof named === "string" ? openDataset({ ...options, ...download, signal, dataset: named }) : named,
    async (signal) =>
      typeof weights === "string"
        ? loadNetwork(weights, { ...download, signal, activation, normalize, offline })
        : weights,
  );
  // Of a network that was handed in loaded nobody has asked yet whether it is what the options want.
  choosePreprocessing(network.name, network.preprocessing, normalize);
  const { shape, total, labelsPath, classNames } = dataset;
  assertFitsImages(network, network.name, shape);
  const classes = network.layers[network.layers.length - 1].outputs;
  if (classes > MAX_CLASSES) {
    throw new NetworkError("ERR_NETWORK_OUTPUTS", { path: network.name, found: classes, limit: MAX_CLASSES });
  }
  if (classNames !== undefined) assertClassCount(classNames, classes, options.classes ?? dataset.name);
  if (offset >= total) throw new DatasetError("ERR_RANGE_EMPTY", { offset, total });
  const range = { offset, limit: Math.min(limit, total - offset) };
  return {
    dataset,
    network,
    classes,
    range,
    async *slabs(multiple, images = range) {
      for await (const slab of dataset.slabs(images, multiple)) {
        if (labelsPath !== undefined) assertLabelsWithin(slab, classes, labelsPath);
        yield slab;
      }
    },
  };
}
