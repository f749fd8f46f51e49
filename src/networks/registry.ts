/** Opens networks by name or by file: recognizes the format, loads its reader, and checks the network. */

import { basename, resolve } from "node:path";
import { inTurns } from "#src/base/abort.js";
import { checkArgument, checkedKeys, type KindsOf, PROMISE, TEXT } from "#src/base/arguments.js";
import type { Assumption, AssumptionSubject } from "#src/base/assumptions.js";
import type { Activations, Network, Preprocessing } from "#src/base/contracts/network.js";
import { DOWNLOAD } from "#src/base/known-arguments.js";
import { NETWORK_OPTIONS } from "#src/base/options/network.js";
import { exactKindsOf } from "#src/base/options/values.js";
import { listed } from "#src/base/text.js";
import type { DownloadOptions } from "#src/files/catalog.js";
import { NETWORK_CATALOG } from "#src/files/catalog.js";
import { sha256Of } from "#src/files/hash.js";
import { pathKind } from "#src/files/read-file.js";
import { ARRAYS_ALONE, assembled, checkActivation, type DecodedArrays } from "./assemble.js";
import type { DecodedChain, LikelyPixels } from "./chain-facts.js";
import { activationOf, assumedIn, pixelOrderIn, weightsFormat } from "./format.js";
import type { WholeModel } from "./onnx/external.js";
import {
  choosePreprocessing,
  type RequestedPreprocessing,
  readPreprocessing,
  writtenPreprocessing,
} from "./recipe.js";
import { decodeSafetensors, FORMAT, OUR_FORMAT } from "./safetensors.js";
import { BUNDLED, locate, readWeights } from "./source.js";
import { hasModules } from "./state-dict.js";

/** Network from a file, with the assumptions that were made. */
export interface LoadedNetwork extends Network {
  /** What neither the file nor an option states. */
  readonly assumptions: readonly Assumption[];
  /** Subjects that an option could still state. */
  readonly unstated: readonly AssumptionSubject[];
}

/** Options for facts that a file of weights may not state, and for downloads. */
export interface LoadNetworkOptions extends DownloadOptions, RequestedPreprocessing {
  /** Activation of the hidden layers, or of each, for a file that does not state it. A file that states others is rejected. */
  readonly activation?: Activations | undefined;
  /** File of the layers, for a file of arrays that does not state them. */
  readonly architecture?: string | undefined;
  /** Decoding blocks the thread, so it waits until this promise is settled. A rejection is thrown. */
  readonly decodeAfter?: Promise<unknown> | undefined;
}

const { weights: _, strict: __, ...ROWS } = NETWORK_OPTIONS;
const OPTIONS: KindsOf<LoadNetworkOptions> = { ...DOWNLOAD, ...exactKindsOf(ROWS), decodeAfter: PROMISE };

/**
 * Loads a network by name (`bundled`, `book`; see `NETWORK_NAMES`), from a file (PyTorch, Keras, TensorFlow.js, ONNX,
 * scikit-learn, safetensors, .npz, JSON, or a pickle of NumPy arrays) or from a folder of .npy or .csv files or with a model.json. A name has
 * priority over a file of that name; `./bundled` is the file. `book`, the network of *Deep Learning from Scratch*, is
 * downloaded into the cache, unless a file of its size is there.
 *
 * @throws NetworkError with any of its codes: ERR_NORMALIZE_MISMATCH and ERR_NORMALIZE_STATISTICS if `normalize`
 *   contradicts the file, or needs numbers that the file does not have
 * @throws FileError ERR_FILE_READ, ERR_FILE_EMPTY; for .npz and .npy files ERR_ZIP_*, ERR_NPY_*
 * @throws UsageError ERR_OPTION_VALUE if `activation` contradicts the file; ERR_OPTION_UNKNOWN, ERR_ARGUMENT
 * @throws TransferError with any of its codes, for a network that is downloaded
 */
export async function loadNetwork(source: string, options: LoadNetworkOptions = {}): Promise<LoadedNetwork> {
  checkArgument("loadNetwork", "source", source, TEXT);
  return readNetwork(source, checkedKeys("loadNetwork", "option", options, OPTIONS));
}

/** `loadNetwork` with options that were checked before. They may have keys of other calls too. */
export async function readNetwork(source: string, options: LoadNetworkOptions): Promise<LoadedNetwork> {
  return withPixels(await loadWeights(source, options), options);
}

/** `loadNetwork` of bytes that are in memory, as a file that has no others beside it. `path` is for messages. */
export async function networkOfBytes(
  path: string,
  bytes: Uint8Array,
  options: Pick<LoadNetworkOptions, "activation" | keyof RequestedPreprocessing>,
): Promise<LoadedNetwork> {
  const decoded = { files: [bytes], ...(await decode(path, bytes, options.activation)) };
  return withPixels(await weightsOf(path, path, decoded, options), options);
}

function withPixels(
  { statistics, pixelsReason, likelyPixels, ...weights }: Weights,
  options: RequestedPreprocessing,
): LoadedNetwork {
  const chosen = choosePreprocessing(
    weights.name,
    weights.preprocessing,
    options,
    pixelsReason,
    likelyPixels,
  );
  const { preprocessing } = chosen;
  const assumptions = chosen.assumptions.map((one) => withStatistics(one, statistics));
  return {
    ...weights,
    preprocessing,
    unstated: [...weights.unstated, ...assumptions.map(({ subject }) => subject)],
    // The book states what its files do not.
    assumptions: isBook(weights) ? [] : [...weights.assumptions, ...assumptions],
  };
}

/** The assumption about pixels, with the numbers in the file that may have standardized them and that are not used. */
function withStatistics(assumption: Assumption, statistics: readonly string[]): Assumption {
  if (statistics.length === 0) return assumption;
  return { ...assumption, what: `${assumption.what} without its ${listed(statistics)}` };
}

/** Network as its file states it. Most formats cannot state how pixels are preprocessed. */
export interface Weights extends Omit<LoadedNetwork, "preprocessing"> {
  readonly preprocessing: Preprocessing | undefined;
  /** Names of single numbers beside the layers that may have standardized the pixels. */
  readonly statistics: readonly string[];
  /** Reason for the assumption of pixels ÷ 255, to follow its text. */
  readonly pixelsReason?: string | undefined;
  /** Pixels that are assumed instead of those ÷ 255. */
  readonly likelyPixels?: LikelyPixels | undefined;
}

/** `loadNetwork` without a choice of preprocessing. Throws the same errors, except those of that choice. */
export async function loadWeights(
  source: string,
  options: Omit<LoadNetworkOptions, keyof RequestedPreprocessing> = {},
): Promise<Weights> {
  const path = await locate(source, options);
  try {
    return await weightsAt(source, path, options);
  } catch (error) {
    throw await (await loadFolder()).explainedWeights(path, error);
  }
}

const loadFolder = () => import("./folder.js");

async function weightsAt(
  source: string,
  path: string,
  options: Omit<LoadNetworkOptions, keyof RequestedPreprocessing>,
): Promise<Weights> {
  const decoded =
    options.architecture === undefined
      ? await readSource(source, path, options)
      : await (await import("./architecture/arrays.js")).readWithLayers(source, path, options);
  return weightsOf(source, path, decoded, options);
}

type DecodedFiles = (DecodedArrays | DecodedChain) & { readonly files: readonly Uint8Array[] };

async function weightsOf(
  source: string,
  path: string,
  decoded: DecodedFiles,
  options: Pick<LoadNetworkOptions, "activation" | "signal">,
): Promise<Weights> {
  const sha256 = await sha256Of(decoded.files);
  const name = BUNDLED.has(source) ? source : basename(resolve(path));
  if ("layers" in decoded) return weightsOfChain({ name, sha256, path }, decoded, options.activation);
  // A state dict in a format that does not keep the order of its modules.
  if (hasModules(decoded.arrays)) {
    const { chainOfModules } = await import("./module-chain.js");
    const chain = chainOfModules(
      path,
      name,
      { arrays: decoded.arrays, isOrdered: false },
      options.activation,
    );
    return weightsOfChain({ name, sha256, path }, chain, options.activation);
  }
  const weights = await assembled(path, name, decoded, options);
  const { assumptions } = weights;
  const unstated = assumptions.map(({ subject }) => subject);
  return { ...weights, name, sha256, unstated, assumptions: isBook({ sha256 }) ? [] : assumptions };
}

/** @throws UsageError ERR_OPTION_VALUE if the option names another activation than the file */
function weightsOfChain(
  { name, sha256, path }: { readonly name: string; readonly sha256: string; readonly path: string },
  { stated, files: _, ...chain }: DecodedChain,
  activation: Activations | undefined,
): Weights {
  if (stated.length > 0) checkActivation(path, stated, activation);
  const unstated = chain.assumptions.map(({ subject }) => subject);
  return { ...chain, name, sha256, unstated, statistics: [] };
}

/** True for files of the book, whose programs state what they do not: activations, architectures, and pixels ÷ 255. */
function isBook({ sha256 }: Pick<Network, "sha256">): boolean {
  return [...NETWORK_CATALOG.values()].some(({ files }) => files.some((file) => file.sha256 === sha256));
}

/** The model of an ONNX file with all its data. @throws NetworkError ERR_ONNX_EXTERNAL */
async function wholeModel(path: string, bytes: Uint8Array): Promise<WholeModel> {
  return (await import("#src/networks/onnx/external.js")).readWholeModel(path, bytes);
}

/** Returns path and model of an ONNX file; undefined for other sources. Throws as `loadNetwork` if it cannot be read. */
export async function readOnnxFile(
  source: string,
  options: DownloadOptions = {},
): Promise<({ readonly path: string } & WholeModel) | undefined> {
  const path = await locate(source, options);
  if ((await pathKind(path)) === "folder") return undefined;
  const bytes = await readWeights(source, path);
  // A file of an unknown format is explained when its weights are loaded.
  const format = await weightsFormat(path, bytes).catch(() => undefined);
  return format === "onnx" ? { path, ...(await wholeModel(path, bytes)) } : undefined;
}

/** Decodes a file or a folder. `files` are the bytes on disk. */
async function readSource(
  source: string,
  path: string,
  { decodeAfter, activation }: Pick<LoadNetworkOptions, "decodeAfter" | "activation">,
): Promise<DecodedFiles> {
  if ((await pathKind(path)) === "folder") {
    return { ...(await (await loadFolder()).readArrayFolder(path)), ...ARRAYS_ALONE };
  }
  const bytes = await readWeights(source, path);
  await decodeAfter;
  return { files: [bytes], ...(await decode(path, bytes, activation)) };
}

async function decode(
  path: string,
  bytes: Uint8Array,
  activation: Activations | undefined,
): Promise<DecodedArrays | DecodedChain> {
  const format = await weightsFormat(path, bytes);
  switch (format) {
    case "pickle":
    case "npy":
    case "json":
      return {
        ...(await (await import("./content.js")).decodeContent(path, bytes, format)),
        ...ARRAYS_ALONE,
      };
    case "sklearn":
      return (await import("./sklearn/decode.js")).decodeSklearn(path, bytes);
    case "torch":
      return (await import("./torch/decode.js")).decodeTorch(path, bytes, activation);
    case "npz":
      return { arrays: await (await import("./numpy.js")).decodeNpz(path, bytes), ...ARRAYS_ALONE };
    case "keras":
      return (await import("./keras/read.js")).decodeKeras(path, bytes, activation);
    case "tfjs":
      return (await import("./keras/tfjs.js")).decodeTfjs(path, bytes);
    case "onnx": {
      const { onnxInSteps } = await import("#src/networks/onnx/decode.js");
      const whole = await wholeModel(path, bytes);
      return { ...(await inTurns(onnxInSteps(path, whole.bytes, activation))), files: whole.files };
    }
    case "safetensors": {
      const { arrays, metadata } = decodeSafetensors(path, bytes);
      const assumed = assumedIn(path, metadata);
      const isOurs = metadata.get(FORMAT) === OUR_FORMAT;
      if (isOurs && metadata.has("architecture")) {
        return (await import("./architecture/write.js")).chainOfMetadata(path, metadata, arrays);
      }
      return {
        arrays,
        activation: activationOf(path, "activation", metadata),
        ...writtenPreprocessing(readPreprocessing(path, metadata), assumed),
        assumed,
        isOriented: isOurs,
        ...pixelOrderIn(path, metadata),
      };
    }
  }
}
