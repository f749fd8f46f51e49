/** Options of a diagnosis, and the data and the network that they name. */
import type { KindsOf } from "#src/base/arguments.js";
import type { Dataset } from "#src/base/contracts/dataset.js";
import type { Network } from "#src/base/contracts/network.js";
import type { OnnxModel } from "#src/base/contracts/onnx-model.js";
import { DatasetError } from "#src/base/errors.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { readDataset } from "#src/data/registry.js";
import { EVALUATE, VIEW } from "#src/evaluate/known-arguments.js";
import { networkLoader } from "#src/evaluate/load-pair.js";
import {
  type EvaluateInput,
  type EvaluateOptions,
  integer,
  LIMITS,
  resolveOptions,
} from "#src/evaluate/options.js";
import type { DownloadOptions } from "#src/files/download/catalog-entry.js";
import { pathKind } from "#src/files/path-kind.js";
import type { Stated } from "./candidates.js";

const SAMPLE_IMAGES = 1000;

/** Data and network as of `evaluate`. What is given here is not tried otherwise. */
export interface DiagnoseInput
  extends Pick<
    EvaluateInput,
    | "dataset"
    | "labels"
    | "classes"
    | "offline"
    | "weights"
    | "activation"
    | "normalize"
    | "mean"
    | "std"
    | "invert"
    | "transpose"
    | "labelOffset"
    | "engine"
    | "limit"
    | "seed"
  > {
  /** Default: the training half where there is one, since a test half is for one use only. */
  readonly split?: string | undefined;
}

export const DIAGNOSE: KindsOf<DiagnoseInput> = {
  ...VIEW,
  dataset: EVALUATE.dataset,
  labels: EVALUATE.labels,
  classes: EVALUATE.classes,
  split: EVALUATE.split,
  offline: EVALUATE.offline,
  weights: EVALUATE.weights,
  activation: EVALUATE.activation,
  normalize: EVALUATE.normalize,
  mean: EVALUATE.mean,
  std: EVALUATE.std,
  engine: EVALUATE.engine,
  limit: EVALUATE.limit,
  seed: EVALUATE.seed,
};

export interface DiagnosisPlan {
  readonly options: EvaluateOptions;
  /** Images of the sample. */
  readonly images: number;
  readonly seed: number;
  readonly stated: Stated;
}

/** @throws UsageError as `resolveOptions` */
export function resolveDiagnosis(input: DiagnoseInput): DiagnosisPlan {
  const { limit, seed, ...evaluated } = input;
  return {
    options: resolveOptions({ ...evaluated, threads: 0 }, 1),
    images: integer("--limit", limit ?? SAMPLE_IMAGES, ...LIMITS.limit),
    seed: integer("--seed", seed ?? 1, ...LIMITS.seed),
    stated: {
      arePicturesStated: input.invert !== undefined || input.transpose !== undefined,
      areLabelsStated: input.labelOffset !== undefined,
    },
  };
}

/** @param prefersTrain whether the training half is taken where there is one */
export async function openInput(
  options: EvaluateOptions,
  prefersTrain: boolean,
  download: DownloadOptions,
): Promise<{ readonly dataset: Dataset; readonly network: Network | OnnxModel }> {
  const load = await networkLoader(options.engine);
  const { weights } = options;
  const network = typeof weights === "string" ? await load(weights, { ...options, ...download }) : weights;
  return { dataset: await openData(options, prefersTrain, download), network };
}

async function openData(
  options: EvaluateOptions,
  prefersTrain: boolean,
  download: DownloadOptions,
): Promise<Dataset> {
  const { dataset } = options;
  if (typeof dataset !== "string") return dataset;
  const request = { ...options, ...download, dataset };
  if (!prefersTrain || !(await mayHaveHalves(dataset))) return readDataset(request);
  try {
    return await readDataset({ ...request, split: "train" });
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return readDataset(request);
  }
}

/** A single pair of files is one half, whatever it is called. */
async function mayHaveHalves(dataset: string): Promise<boolean> {
  return (
    DATASET_NAMES.includes(dataset) || dataset.endsWith(".npz") || (await pathKind(dataset)) === "folder"
  );
}
