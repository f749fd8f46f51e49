/** Fits a preprocessing to a training split, and writes it into one file with the weights trained with it. */

import { setImmediate } from "node:timers/promises";
import { interruption } from "#src/base/abort.js";
import { checkedKeys, type KindsOf } from "#src/base/arguments.js";
import type { Assumption } from "#src/base/assumptions.js";
import { type Dataset, type DatasetReading, readingOf, type Split } from "#src/base/contracts/dataset.js";
import type {
  Activations,
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
import { denseLayers } from "#src/networks/chain.js";
import { assertStatable, matchOutputs } from "#src/networks/outputs.js";
import { foldAffine, LevelCounts, PixelMoments, whiteningMatrix } from "#src/networks/preprocess.js";
import { loadWeights, type Weights } from "#src/networks/registry.js";
import { encodeSafetensors } from "#src/networks/write-safetensors.js";
import { assertStated, networkFor } from "./open-inputs.js";

/** Most inputs of whitening. The decomposition takes O(n³) time and O(n²) memory: one or two minutes for this size. */
const MOST_WHITENED_INPUTS = 2_048;
/** Images between turns of the event loop, which notices interruptions. */
const IMAGES_A_TURN = 1_000;

/** Input of `fitPreprocessing`: data, weights, and the kind of preprocessing. */
export interface FitInput extends DatasetReading {
  /** An input of `openDataset`, or an open data set. All images of the split are used. */
  readonly dataset: string | Dataset;
  /** Path of the label file, if `dataset` is an image file. */
  readonly labels?: string | undefined;
  /** Default `train`: statistics of test images would leak the test set. */
  readonly split?: Split | undefined;
  /** Name, file or folder of weights that do not state a preprocessing. */
  readonly weights: string;
  /** Activation of the hidden layers, if the file does not state it. Default `sigmoid`. */
  readonly activation?: Activations | undefined;
  /** File of the layers, for a file of arrays that does not state them. */
  readonly architecture?: string | undefined;
  /** Preprocessing of the training: `standardize`, `whiten-zca` or `whiten-pca`. */
  readonly normalize: FittedNormalization;
  /** ε of whitening, 10⁻⁶ to 1,000. Default 0.1. Must be the ε of the training. */
  readonly epsilon?: NumberLike | undefined;
  /** Reject assumptions. Default false: the file names them. */
  readonly strict?: boolean | undefined;
  /** Do not download. Default false. */
  readonly offline?: boolean | undefined;
}

const { output: _, ...ROWS } = rowsOf("fit");
const OPTIONS: KindsOf<FitInput> = kindsOf(ROWS);

/** Result of `fitPreprocessing`: the preprocessing, and a file with it and the weights. */
export type Fit = FittedFile & (FittedStandardizing | FittedWhitening);

/** Fields of all fits. */
export interface FittedFile {
  /** Content of a safetensors file: the weights in float32, and their preprocessing. Its network reads bytes. */
  readonly file: Uint8Array;
  /** Number of images in the statistics. */
  readonly images: number;
  /** Assumptions about facts that the weights' file does not state. The written file names them. */
  readonly assumptions: readonly Assumption[];
}

/** Further fields of a fit of `standardize`. */
export interface FittedStandardizing {
  /** Preprocessing in the file. */
  readonly preprocessing: Standardizing;
}

/** Further fields of a fit of `whiten-zca` or `whiten-pca`. */
export interface FittedWhitening {
  /** Preprocessing in the file. */
  readonly preprocessing: Whitening;
  /** (inputs) f64: eigenvalues of the covariance (1/N) of pixels ÷ 255, descending, at least 0. */
  readonly eigenvalues: Float64Array;
}

/**
 * Fits `standardize`, `whiten-zca` or `whiten-pca` to a split, for a network that was trained with this preprocessing.
 * Standardizing becomes two numbers beside the weights. Whitening is folded into the first layer.
 *
 * @throws UsageError ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE; ERR_USAGE for an epsilon without whitening
 * @throws NetworkError ERR_NORMALIZE_FITTED if the file already states a preprocessing; as `loadNetwork`;
 *   ERR_NETWORK_INPUTS; ERR_NETWORK_ACTIVATIONS and ERR_NETWORK_F32 if safetensors cannot hold the weights
 * @throws DatasetError ERR_STATISTICS_CONSTANT, ERR_WHITENING_SIZE, and as `openDataset`
 * @throws FileError as `loadNetwork` and `openDataset`
 * @throws TransferError if a download fails or is not permitted
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

  const { offline, architecture } = input;
  const signal = download.signal ?? new AbortController().signal;
  const loaded = await loadWeights(input.weights, { ...download, activation, architecture, offline });
  const weights = matchOutputs(loaded, undefined);
  assertStatable(weights);
  if (input.strict) assertStated(weights.assumptions);
  if (weights.preprocessing !== undefined) {
    throw new NetworkError("ERR_NORMALIZE_FITTED", {
      path: weights.name,
      found: weights.preprocessing.kind,
    });
  }
  const dataset =
    typeof input.dataset === "string"
      ? await readDataset({
          ...download,
          ...readingOf(input),
          dataset: input.dataset,
          labels: input.labels,
          split,
          offline,
        })
      : input.dataset;
  if (input.strict) assertStated(dataset.facts.assumptions ?? []);
  const read = await networkFor({ ...weights, preprocessing: { kind: "scale" } }, dataset.facts.shape);
  const { layers, pixelOrder } = read.network;
  const assumptions = [...weights.assumptions, ...read.assumptions];
  const network: Weights = { ...weights, layers, pixelOrder, assumptions };
  return kind === "standardize"
    ? fitStandardizing(network, dataset, signal)
    : fitWhitening(network, dataset, kind, epsilon, signal);
}

async function fitStandardizing(
  { layers, assumptions, pixelOrder }: Weights,
  dataset: Dataset,
  signal: AbortSignal,
): Promise<Fit> {
  const counts = new LevelCounts();
  await addImages(counts, dataset, signal);
  const preprocessing = counts.standardizing(dataset.facts.name);
  const file = encodeSafetensors({ layers, preprocessing, assumptions, pixelOrder });
  return { preprocessing, images: dataset.facts.total, assumptions, file };
}

async function fitWhitening(
  weights: Weights,
  dataset: Dataset,
  kind: WhiteningKind,
  epsilon: number,
  signal: AbortSignal,
): Promise<Fit> {
  const { assumptions, pixelOrder } = weights;
  const layers = denseLayers(weights, "fold whitening into the first");
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
    file: encodeSafetensors({ layers: folded, preprocessing, assumptions, pixelOrder }),
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
