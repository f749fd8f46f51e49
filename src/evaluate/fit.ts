/** Fits a preprocessing to a training split, for weights that were trained under it, and joins the two in one file. */

import { setImmediate } from "node:timers/promises";
import { interruption } from "#src/base/abort.js";
import { checkedKeys, type KindsOf } from "#src/base/arguments.js";
import type { Assumption } from "#src/base/assumptions.js";
import type { Dataset, Split } from "#src/base/contracts/dataset.js";
import type {
  Activation,
  FittedNormalization,
  Standardizing,
  Whitening,
  WhiteningKind,
} from "#src/base/contracts/network.js";
import { DatasetError, NetworkError, UsageError } from "#src/base/errors.js";
import { DOWNLOAD } from "#src/base/known-arguments.js";
import type { NumberLike } from "#src/base/options/define.js";
import { rowsOf } from "#src/base/options/table.js";
import { checkedValue, kindsOf } from "#src/base/options/values.js";
import { inTurn } from "#src/base/slab.js";
import { readDataset } from "#src/data/registry.js";
import type { DownloadOptions } from "#src/files/catalog.js";
import { foldAffine } from "#src/networks/fold.js";
import { LevelCounts, PixelMoments, whiteningMatrix } from "#src/networks/preprocess.js";
import { loadWeights, type Weights } from "#src/networks/registry.js";
import { encodeSafetensors } from "#src/networks/safetensors.js";
import { assertFitsImages } from "#src/networks/validate.js";
import { assertStated } from "./open-inputs.js";

/** An eigenvalue decomposition takes time as the cube of this, and memory as its square: here a minute or two. */
const MOST_WHITENED_INPUTS = 2_048;
/** After so many images the event loop has a turn, and an interruption is heard. */
const IMAGES_A_TURN = 1_000;

/** What `fitPreprocessing` takes: data, weights, and the kind of preprocessing. */
export interface FitInput {
  /** What `openDataset` opens, or an open data set. All of its split's images are used. */
  readonly dataset: string | Dataset;
  /** The label file, where `dataset` is an image file. */
  readonly labels?: string | undefined;
  /** Default `train`: statistics of test images would be an answer looked up. */
  readonly split?: Split | undefined;
  /** A name, a file or a folder of weights, which does not say a preprocessing. */
  readonly weights: string;
  /** Activation of the hidden layers, if the file does not state it. Default `sigmoid`. */
  readonly activation?: Activation | undefined;
  /** `standardize`, `whiten-zca` or `whiten-pca`: what the weights' training images had gone through. */
  readonly normalize: FittedNormalization;
  /** ε of whitening, 10⁻⁶ to 1,000; 0.1 unless given. Must be the one of the training. */
  readonly epsilon?: NumberLike | undefined;
  /** Refuse to write what was assumed. Default false: the file names it. */
  readonly strict?: boolean | undefined;
  /** Refuse to download what is not in the cache. Default false. */
  readonly offline?: boolean | undefined;
}

const { output: _, ...ROWS } = rowsOf("fit");
const OPTIONS: KindsOf<FitInput> = kindsOf(ROWS);

/** What `fitPreprocessing` found: the recipe, and a file that joins it with the weights. */
export type Fit = FittedFile & (FittedStandardizing | FittedWhitening);

/** What a fit answers of every kind. */
export interface FittedFile {
  /** The bytes of a safetensors file: the weights, in float32, and their recipe. Its network reads bytes. */
  readonly file: Uint8Array;
  /** How many images the statistics are of. */
  readonly images: number;
  /** What the weights' file does not state; the written file names it as assumed. */
  readonly assumptions: readonly Assumption[];
}
/** What a fit of `standardize` answers besides. */
export interface FittedStandardizing {
  /** The recipe that the file says. */
  readonly preprocessing: Standardizing;
}
/** What a fit of `whiten-zca` or `whiten-pca` answers besides. */
export interface FittedWhitening {
  /** The recipe that the file says. */
  readonly preprocessing: Whitening;
  /** (inputs) f64: of the covariance (1/N) of pixels ÷ 255, descending, none below 0. */
  readonly eigenvalues: Float64Array;
}

/**
 * Fits `standardize`, `whiten-zca` or `whiten-pca` to a split, for a network that was trained on inputs preprocessed
 * that way. Standardizing becomes two numbers beside the weights; whitening is folded into the first layer.
 *
 * @throws UsageError ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE; ERR_USAGE for an epsilon without whitening
 * @throws NetworkError ERR_NORMALIZE_FITTED where the file says its preprocessing already; as `loadNetwork`;
 *   ERR_NETWORK_INPUTS; ERR_NETWORK_ACTIVATIONS and ERR_NETWORK_F32 where safetensors cannot hold the weights
 * @throws DatasetError ERR_STATISTICS_CONSTANT, ERR_WHITENING_SIZE, and as `openDataset`
 * @throws FileError as `loadNetwork` and `openDataset`
 * @throws TransferError where something has to be downloaded
 * @throws RunError ERR_INTERRUPTED or ERR_TERMINATED when the signal is aborted
 */
export async function fitPreprocessing(
  input: FitInput,
  download?: Omit<DownloadOptions, "offline">,
): Promise<Fit> {
  return fitTo(
    checkedKeys("fitPreprocessing", "option", input, OPTIONS),
    checkedKeys("fitPreprocessing", "hook", download, DOWNLOAD),
  );
}

async function fitTo(input: FitInput, download: Omit<DownloadOptions, "offline">): Promise<Fit> {
  const kind = checkedValue(ROWS.normalize, input.normalize);
  const split = checkedValue(ROWS.split, input.split ?? ROWS.split.default);
  const activation =
    input.activation === undefined ? undefined : checkedValue(ROWS.activation, input.activation);
  if (kind === "standardize" && input.epsilon !== undefined) {
    throw new UsageError("ERR_USAGE", { problem: "--epsilon is for whitening; standardize has none" });
  }
  const epsilon = checkedValue(ROWS.epsilon, input.epsilon ?? ROWS.epsilon.default);

  const { offline } = input;
  const signal = download.signal ?? new AbortController().signal;
  const weights = await loadWeights(input.weights, { ...download, activation, offline });
  if (input.strict) assertStated(weights.assumptions);
  if (weights.preprocessing !== undefined) {
    throw new NetworkError("ERR_NORMALIZE_FITTED", {
      path: weights.name,
      found: weights.preprocessing.kind,
    });
  }
  const dataset =
    typeof input.dataset === "string"
      ? await readDataset({ ...download, dataset: input.dataset, labels: input.labels, split, offline })
      : input.dataset;
  assertFitsImages(weights, weights.name, dataset.facts.shape);
  return kind === "standardize"
    ? fitStandardizing(weights, dataset, signal)
    : fitWhitening(weights, dataset, kind, epsilon, signal);
}

async function fitStandardizing(
  { layers, assumptions }: Weights,
  dataset: Dataset,
  signal: AbortSignal,
): Promise<Fit> {
  const counts = new LevelCounts();
  await addImages(counts, dataset, signal);
  const preprocessing = counts.standardizing(dataset.facts.name);
  const file = encodeSafetensors({ layers, preprocessing, assumptions });
  return { preprocessing, images: dataset.facts.total, assumptions, file };
}

async function fitWhitening(
  { layers, assumptions }: Weights,
  dataset: Dataset,
  kind: WhiteningKind,
  epsilon: number,
  signal: AbortSignal,
): Promise<Fit> {
  const { inputs } = layers[0]!;
  if (inputs > MOST_WHITENED_INPUTS) {
    throw new DatasetError("ERR_WHITENING_SIZE", {
      dataset: dataset.facts.name,
      inputs,
      limit: MOST_WHITENED_INPUTS,
    });
  }
  const moments = new PixelMoments(inputs);
  await addImages(moments, dataset, signal);
  const whitening = whiteningMatrix(kind, moments, epsilon);
  const preprocessing: Whitening = { kind, epsilon, folded: true };
  const folded = foldAffine(layers, whitening);
  return {
    preprocessing,
    eigenvalues: whitening.eigenvalues,
    images: dataset.facts.total,
    assumptions,
    file: encodeSafetensors({ layers: folded, preprocessing, assumptions }),
  };
}

async function addImages(
  statistics: { add(pixels: Uint8Array): void },
  dataset: Dataset,
  signal: AbortSignal,
): Promise<void> {
  const { total } = dataset.facts;
  const stream = dataset.slabs({ offset: 0, limit: total }, { multiple: 1, lanes: 1 });
  for await (const { firstImage, count, inputs, pixels } of inTurn(stream)) {
    for (let start = 0; start < count; start += IMAGES_A_TURN) {
      if (signal.aborted) throw interruption(signal, firstImage + start, total);
      statistics.add(pixels.subarray(start * inputs, Math.min(count, start + IMAGES_A_TURN) * inputs));
      await setImmediate();
    }
  }
}
