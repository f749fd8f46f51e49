/** A network as all our writers see it: arrays with names, and one activation. */
import type { Activation, Layer, Network } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import type { NamedArray } from "#src/files/formats/arrays.js";

/** What a file holds of a network. Without `assumptions` everything in it is stated. */
export type WritableNetwork = Pick<Network, "layers" | "preprocessing"> &
  Partial<Pick<Network, "assumptions">>;

export interface Tensor extends NamedArray {
  readonly name: string;
}

/** W1 (inputs × outputs), b1 (outputs) … Wn, bn; row-major. */
export function tensorsOf({ layers }: Pick<Network, "layers">): Tensor[] {
  return layers.flatMap(({ inputs, outputs, weights, biases }, index) => [
    { name: `W${index + 1}`, shape: [inputs, outputs], data: weights },
    { name: `b${index + 1}`, shape: [outputs], data: biases },
  ]);
}

/**
 * The one activation of all hidden layers; a network without any says `identity`, its last layer's.
 *
 * @throws NetworkError ERR_NETWORK_ACTIVATIONS when they differ, or the last layer has one.
 */
export function hiddenActivation(layers: readonly Layer[]): Activation {
  const activations = layers.map((layer) => layer.activation);
  const hidden = new Set(activations.slice(0, -1));
  const [activation = "identity"] = hidden;
  if (hidden.size > 1 || activations.at(-1) !== "identity") {
    throw new NetworkError("ERR_NETWORK_ACTIVATIONS", { found: activations });
  }
  return activation;
}
