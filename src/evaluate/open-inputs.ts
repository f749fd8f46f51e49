/** Opens a data set and a network for each other, and refuses a pair that does not fit. */

import { allOrAbort } from "#src/base/abort.js";
import type { Assumption } from "#src/base/assumptions.js";
import { assumedText } from "#src/base/assumptions.js";
import {
  type Dataset,
  type DatasetFacts,
  type DatasetReading,
  type DatasetView,
  type ImageRange,
  type ImageShape,
  imageBytes,
  type SlabPlan,
} from "#src/base/contracts/dataset.js";
import type { EngineName, OnnxModel } from "#src/base/contracts/engine.js";
import type { Network } from "#src/base/contracts/network.js";
import { DatasetError, NetworkError } from "#src/base/errors.js";
import { mapSlabs, type Slab, type SlabStream } from "#src/base/slab.js";
import { assertLabelsWithin, withClassNames } from "#src/data/labels.js";
import { readDataset } from "#src/data/registry.js";
import type { DownloadOptions } from "#src/files/catalog.js";
import { layerSizes } from "#src/networks/chain.js";
import type { ReadImages } from "#src/networks/colours.js";
import { assertFitsImages } from "#src/networks/images.js";
import { channelsOf, choosePreprocessing } from "#src/networks/recipe.js";
import { type LoadNetworkOptions, readNetwork } from "#src/networks/registry.js";
import type { EvaluateOptions } from "./options.js";
import { shardOf } from "./options.js";

/** Most classes: the confusion matrix has the square of this many counts. */
const MAX_CLASSES = 1024;

export interface DataAndNetwork<N = Network> {
  readonly dataset: Dataset;
  readonly network: N;
  /** Number of the network's outputs. */
  readonly classes: number;
  /** Images to evaluate. */
  readonly range: ImageRange;
  /** What data and network assume because neither a file nor an option states it. */
  readonly assumptions: readonly Assumption[];
  /** Images of the whole run, of which the range may be a shard. */
  readonly whole: ImageRange;
  /** The images of `range`, or of the given range, with their labels checked. */
  slabs(plan: SlabPlan, range?: ImageRange): SlabStream;
  /** Ends the reading of images that were read ahead and not taken. What is wrong with them does not matter any more. */
  end(): Promise<void>;
}

export type AnyPair = DataAndNetwork<Network | OnnxModel>;

/** Data and network, and the images that are to be evaluated. */
export type Opened = Pick<AnyPair, "dataset" | "network" | "range">;

export interface LoadHooks extends Omit<DownloadOptions, "offline"> {
  /** Images are read by this plan from the moment that their data set is open. Default: when their slabs are asked for. */
  readonly readAhead?: SlabPlan | undefined;
}

type PairOptions = Pick<
  EvaluateOptions,
  | "dataset"
  | "labels"
  | "classes"
  | "split"
  | "verify"
  | "offline"
  | "weights"
  | "activation"
  | "architecture"
  | "normalize"
  | "mean"
  | "std"
  | "strict"
  | keyof DatasetView
  | keyof DatasetReading
  | "offset"
  | "limit"
  | "shard"
>;

type RangeOptions = Pick<EvaluateOptions, "offset" | "limit" | "shard">;

export function loadPair(options: PairOptions, hooks: LoadHooks = {}): Promise<DataAndNetwork> {
  return pairUp(options, hooks, readNetwork);
}

/**
 * For the engine `onnx`: a file of ONNX is a model of any operators. Throws RunError ERR_ENGINE_PEER before anything is
 * read or downloaded.
 */
export async function loadModelPair(
  options: PairOptions,
  hooks: LoadHooks = {},
): Promise<DataAndNetwork<Network | OnnxModel>> {
  return pairUp<Network | OnnxModel>(options, hooks, await modelLoader());
}

export type LoadAnyNetwork = (source: string, options: LoadNetworkOptions) => Promise<Network | OnnxModel>;

/** How an engine's networks are loaded. Throws RunError ERR_ENGINE_PEER where the engine cannot be had. */
export async function networkLoader(engine: EngineName): Promise<LoadAnyNetwork> {
  return engine === "onnx" ? modelLoader() : readNetwork;
}

async function modelLoader(): Promise<LoadAnyNetwork> {
  const [{ loadRuntime }, { loadModel }] = await Promise.all([
    import("#src/engines/onnx/runtime.js"),
    import("#src/engines/load-model.js"),
  ]);
  await loadRuntime();
  return loadModel;
}

async function pairUp<N extends Network | OnnxModel>(
  options: PairOptions,
  download: LoadHooks,
  load: (source: string, options: LoadNetworkOptions) => Promise<N>,
): Promise<DataAndNetwork<N | Network>> {
  const { dataset: named, weights, activation, architecture, normalize, mean, std, offline } = options;
  let ahead: ReadAhead | undefined;
  try {
    const [dataset, network] = await allOrAbort(
      download.signal ?? new AbortController().signal,
      async (signal) => {
        const opened =
          typeof named === "string"
            ? await readDataset({ ...options, ...download, signal, dataset: named })
            : named;
        if (download.readAhead !== undefined) ahead = new ReadAhead(opened, options, download.readAhead);
        return opened;
      },
      async (signal) =>
        typeof weights === "string"
          ? load(weights, { ...download, signal, activation, architecture, normalize, mean, std, offline })
          : weights,
    );
    return await pairOf(dataset, network, options, ahead);
  } catch (error) {
    await ahead?.end();
    throw error;
  }
}

/** Most pixels of a batch that is read ahead: the network may not fit images that are larger. */
const MOST_AHEAD_PIXELS = 2 ** 24;

/** The images of a run, which are read while its network is loaded and workers start. */
class ReadAhead {
  #slabs: SlabStream | undefined;

  constructor(dataset: Dataset, options: RangeOptions, plan: SlabPlan) {
    const { shape, total } = dataset.facts;
    // Whoever pairs the set with a network throws the error of such a range.
    if (options.offset >= total) return;
    const { range } = rangesOf(options, total);
    const batchPixels = Math.min(plan.multiple, range.limit) * imageBytes(shape);
    if (batchPixels <= MOST_AHEAD_PIXELS) this.#slabs = dataset.slabs(range, plan);
  }

  take(): SlabStream | undefined {
    const slabs = this.#slabs;
    this.#slabs = undefined;
    return slabs;
  }

  async end(): Promise<void> {
    const slabs = this.take();
    slabs?.stop();
    try {
      for await (const slab of slabs ?? []) slabs?.release(slab);
    } catch {}
  }
}

/** `--normalize none` gives a network the numbers that the files hold. Of those from 0 to 1 slabs have the bytes, to be divided. */
function asHeld<N extends Network | OnnxModel>(network: N, { isFraction }: DatasetFacts): N {
  return isFraction ? { ...network, preprocessing: { kind: "scale" } } : network;
}

/**
 * Pairs what is open already.
 *
 * @throws NetworkError ERR_ASSUMED, ERR_NETWORK_CLASSES, ERR_NETWORK_INPUTS, ERR_NETWORK_IMAGES, ERR_NETWORK_OUTPUTS, ERR_NORMALIZE_MISMATCH
 * @throws DatasetError ERR_CLASSES_FILE, ERR_RANGE_EMPTY, ERR_SHARD_EMPTY; its slabs ERR_LABEL_RANGE
 */
export async function pairOf<N extends Network | OnnxModel>(
  set: Dataset,
  loaded: N,
  options: Pick<EvaluateOptions, "classes" | "normalize" | "mean" | "std" | "strict" | keyof RangeOptions>,
  ahead?: ReadAhead,
): Promise<DataAndNetwork<N>> {
  // A network that was passed as an object has not been checked against the options yet.
  choosePreprocessing(loaded.name, loaded.preprocessing, options);
  const given = options.normalize === "none" ? asHeld(loaded, set.facts) : loaded;
  const { shape, total, labelsPath, classNames } = set.facts;
  const matched =
    given.classNames === undefined
      ? given
      : (await import("#src/networks/outputs.js")).matchOutputs(given, classNames);
  const { network, assumptions: read } = await networkFor(matched, shape);
  const sizes = layerSizes(network);
  const classes = sizes[sizes.length - 1]!;
  if (classes > MAX_CLASSES) {
    throw new NetworkError("ERR_NETWORK_OUTPUTS", { path: network.name, found: classes, limit: MAX_CLASSES });
  }
  const dataset = withClassNames(set, classes, options.classes);
  const { range, whole } = rangesOf(options, total);
  const assumptions = [...(set.facts.assumptions ?? []), ...(network.assumptions ?? []), ...read];
  if (options.strict) assertStated(assumptions);
  const checked = (slab: Slab): Slab => {
    if (labelsPath !== undefined) assertLabelsWithin(slab, classes, labelsPath);
    return slab;
  };
  return {
    dataset,
    network,
    classes,
    range,
    whole,
    assumptions,
    slabs: (plan, images) =>
      mapSlabs((images === undefined && ahead?.take()) || dataset.slabs(images ?? range, plan), checked),
    end: async () => ahead?.end(),
  };
}

/**
 * Pairs a network with images that it fits. Bytes of colours lie channels last. If the network reads a list of bytes in another
 * order, the weights of its first layer change places; if its order is unknown, channels last are assumed.
 *
 * @throws NetworkError ERR_NETWORK_INPUTS, ERR_NETWORK_IMAGES; ERR_NORMALIZE_CHANNELS; ERR_NETWORK_LAYER if a coloured image's
 *   bytes would have to change places before a layer that cannot do that
 */
export async function networkFor<N extends Network | OnnxModel>(
  network: N,
  shape: ImageShape,
): Promise<ReadImages<N>>;
export async function networkFor(
  network: Network | OnnxModel,
  shape: ImageShape,
): Promise<ReadImages<Network | OnnxModel>> {
  if (!("layers" in network) || shape.channels > 1 || channelsOf(network.preprocessing) > 1) {
    return (await import("#src/networks/colours.js")).readingOfColours(network, shape);
  }
  assertFitsImages(network, network.name, shape);
  return { network, assumptions: [] };
}

/** Checks that nothing is assumed. @throws NetworkError ERR_ASSUMED, which names every assumption */
export function assertStated(assumptions: readonly Assumption[]): void {
  if (assumptions.length > 0) throw new NetworkError("ERR_ASSUMED", { assumed: assumedText(assumptions) });
}

function rangesOf(
  { offset, limit, shard }: RangeOptions,
  total: number,
): Pick<DataAndNetwork, "range" | "whole"> {
  if (offset >= total) throw new DatasetError("ERR_RANGE_EMPTY", { offset, total });
  const whole = { offset, limit: Math.min(limit, total - offset) };
  return { whole, range: shard === undefined ? whole : shardOf(whole, shard) };
}
