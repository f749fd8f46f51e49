/** How wide a network is from its inputs to its outputs. */
import type { EngineSource } from "#src/base/contracts/engine.js";
import type { Network } from "#src/base/contracts/network.js";
import type { OnnxModel } from "#src/base/contracts/onnx-model.js";

/** `[784, 50, 100, 10]`; of a model that is known by its ends alone, `[784, 10]`. */
export function layerSizes(network: Pick<Network, "layers"> | Pick<OnnxModel, "input" | "output">): number[] {
  if ("input" in network) {
    return [network.input.shape.reduce((product, size) => product * size, 1), network.output.classes];
  }
  const { layers } = network;
  return [layers[0].inputs, ...layers.map(({ outputs }) => outputs)];
}

/** The classes that an engine's logits are of. */
export function outputsOf(source: EngineSource): number {
  return "input" in source ? source.output.classes : source[source.length - 1].outputs;
}
