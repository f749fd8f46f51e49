/** What an answer says of its data and its networks. */
import { AS_STORED, type Dataset } from "#src/base/contracts/dataset.js";
import type { Activation, Network } from "#src/base/contracts/network.js";
import type { OnnxModel } from "#src/base/contracts/onnx-model.js";
import type { Evaluation } from "#src/base/contracts/result.js";
import { layerSizes } from "#src/networks/layer-sizes.js";
import { datasetLocation, networkLocation } from "./locations.js";
import type { EvaluateOptions } from "./options.js";

export function datasetFacts(dataset: Dataset, options: EvaluateOptions): Evaluation["dataset"] {
  return {
    name: dataset.name,
    split: dataset.split,
    sha256: dataset.sha256,
    total: dataset.total,
    offset: options.offset,
    classNames: dataset.classNames ?? null,
    view: dataset.view ?? AS_STORED,
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

/** The activation of each layer; null for a model of any operators, whose file tells them. */
export function activationsOf(network: Network | OnnxModel): readonly Activation[] | null {
  return "layers" in network ? network.layers.map(({ activation }) => activation) : null;
}
