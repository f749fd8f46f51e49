/** The oracle: the plain loop in float64, against which every other engine is tested. */
import type { Engine, FoldedLayers, Layer } from "#src/base/contracts/network.js";
import { ACTIVATE } from "./float64.js";

export function createReferenceEngine(layers: FoldedLayers): Engine {
  const { inputs } = layers[0]!;
  const { outputs } = layers[layers.length - 1]!;
  return {
    name: "reference",
    forward(pixels, count, logits) {
      for (let image = 0; image < count; image++) {
        const row = pixels.subarray(image * inputs, (image + 1) * inputs);
        logits.set(forwardRow(layers, row), image * outputs);
      }
    },
  };
}

/** x (I) → logits (O), f64. The sums of each layer start at +0 and run over ascending inputs; then the bias is added. */
export function forwardRow(layers: readonly Layer[], x: ArrayLike<number>): ArrayLike<number> {
  return layers.reduce(forwardLayer, x);
}

/** x (I) → activation(x · weights (I,O) + biases (O)). */
function forwardLayer(x: ArrayLike<number>, layer: Layer): Float64Array {
  const { inputs, outputs, weights, biases } = layer;
  const sums = new Float64Array(outputs);
  for (let k = 0; k < inputs; k++) {
    const value = x[k]!;
    // Adding 0 · w = ±0 to a sum that began at +0 leaves its bits as they are.
    if (value === 0) continue;
    for (let j = 0, at = k * outputs; j < outputs; j++, at++) sums[j]! += value * weights[at]!;
  }
  const activation = ACTIVATE[layer.activation];
  for (let j = 0; j < outputs; j++) sums[j] = activation(sums[j]! + biases[j]!);
  return sums;
}
