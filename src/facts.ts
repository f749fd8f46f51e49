/** What an answer says of its data and its networks. */
import type { Dataset } from "./contracts/dataset.js";
import type { Network } from "./contracts/network.js";
import type { OnnxModel } from "./contracts/onnx-model.js";
import type { Evaluation } from "./contracts/result.js";
import { datasetLocation, networkLocation } from "./locations.js";
import { layerSizes } from "./networks/layer-sizes.js";
import type { EvaluateOptions } from "./options.js";

export function datasetFacts(dataset: Dataset, options: EvaluateOptions): Evaluation["dataset"] {
  return {
    name: dataset.name,
    split: dataset.split,
    sha256: dataset.sha256,
    total: dataset.total,
    offset: options.offset,
    classNames: dataset.classNames ?? null,
    location: datasetLocation(options),
  };
}

export function networkFacts(
  network: Network | OnnxModel,
  options: Pick<EvaluateOptions, "weights" | "activation" | "normalize">,
): Evaluation["network"] {
  return {
    name: network.name,
    sha256: network.sha256,
    layers: layerSizes(network),
    location: networkLocation(options),
  };
}
