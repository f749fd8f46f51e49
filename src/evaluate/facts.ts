/** Facts of data and networks in an answer. */

import { resolve } from "node:path";
import { AS_STORED, type Dataset } from "#src/base/contracts/dataset.js";
import type { Activation, Network, OnnxModel } from "#src/base/contracts/network.js";
import type { DatasetLocation, Evaluation, NetworkLocation } from "#src/base/contracts/result.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { layerSizes } from "#src/networks/chain.js";
import { NETWORK_NAMES } from "#src/networks/registry.js";
import type { EvaluateOptions } from "./options.js";

export async function datasetFacts(
  dataset: Dataset,
  options: EvaluateOptions,
): Promise<Evaluation["dataset"]> {
  const { name, split, total, classNames, view } = dataset.facts;
  return {
    name,
    split,
    sha256: await dataset.sha256(),
    total,
    offset: options.offset,
    classNames: classNames ?? null,
    view: view ?? AS_STORED,
    location: datasetLocation(options),
  };
}

export function networkFacts(
  network: Network | OnnxModel,
  options: Pick<EvaluateOptions, "weights" | "activation" | "normalize" | "mean" | "std">,
): Evaluation["network"] {
  return {
    name: network.name,
    sha256: network.sha256,
    layers: layerSizes(network),
    activations: activationsOf(network),
    preprocessing: network.preprocessing,
    location: networkLocation(options),
  };
}

/** Activation of each layer; null for a whole ONNX model. */
export function activationsOf(network: Network | OnnxModel): readonly Activation[] | null {
  return "layers" in network ? network.layers.map(({ activation }) => activation) : null;
}

/** Location of the data; null for a data set that was passed as an object. */
export function datasetLocation({
  dataset,
  labels,
  classes,
}: Pick<EvaluateOptions, "dataset" | "labels" | "classes">): DatasetLocation | null {
  if (typeof dataset !== "string") return null;
  return {
    dataset: nameOrPath(DATASET_NAMES, dataset),
    labels: labels ? resolve(labels) : null,
    classes: classes === undefined ? null : resolve(classes),
  };
}

/** Location of the network; null for a network that was passed as an object. */
export function networkLocation({
  weights,
  activation,
  normalize,
  mean,
  std,
}: Pick<EvaluateOptions, "weights" | "activation" | "normalize" | "mean" | "std">): NetworkLocation | null {
  if (typeof weights !== "string") return null;
  return {
    weights: nameOrPath(NETWORK_NAMES, weights),
    activation: activation ?? null,
    normalize: normalize ?? null,
    mean: mean ?? null,
    std: std ?? null,
  };
}

/** A known name takes precedence over a file of the same name. */
function nameOrPath(names: readonly string[], given: string): string {
  return names.includes(given) ? given : resolve(given);
}
