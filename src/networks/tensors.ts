/** Network as the writers see it: arrays with names, and one activation. */

import type { Activation, Layer, Network } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { ELEMENT_BYTES, type NamedArray } from "#src/files/formats/arrays.js";
import { denseLayers, isDense } from "./chain.js";

/** Content of a written file. Without `assumptions` everything in it is stated. */
export type WritableNetwork = Pick<Network, "layers" | "preprocessing"> &
  Partial<Pick<Network, "assumptions" | "imageSizes" | "pixelOrder" | "likelyPixelOrder">>;

export interface Tensor extends NamedArray {
  readonly name: string;
}

/** Next step for a network that a list of named arrays cannot describe. */
const OTHER_FORMATS = "write a .safetensors or an .onnx file";

/** Returns W1 (inputs × outputs), b1 (outputs) … Wn, bn; row-major. */
export function tensorsOf({ layers }: Pick<Network, "layers">): Tensor[] {
  return denseLayers({ name: "the network", layers }, "write them", OTHER_FORMATS).flatMap(
    ({ inputs, outputs, weights, biases }, index) => [
      { name: `W${index + 1}`, shape: [inputs, outputs], data: weights },
      { name: `b${index + 1}`, shape: [outputs], data: biases },
    ],
  );
}

/** True for dense layers of one activation, which names of arrays and one word describe. */
export function isUniform(layers: readonly Layer[]): boolean {
  return isDense(layers) && uniformActivation(layers) !== undefined;
}

/** Activation of all hidden layers; undefined if they differ, have numbers of their own, or the last layer has one. */
function uniformActivation(layers: readonly Layer[]): Activation | undefined {
  const activations = layers.map((layer) => layer.activation);
  const hidden = new Set(activations.slice(0, -1));
  const [activation = "identity"] = hidden;
  const isPlain = layers.every((layer) => layer.activationNumbers === undefined && layer.ends !== "sigmoid");
  return hidden.size > 1 || activations.at(-1) !== "identity" || !isPlain ? undefined : activation;
}

/**
 * Returns the activation of all hidden layers; `identity` for a network without hidden layers.
 *
 * @throws NetworkError ERR_NETWORK_ACTIVATIONS if they differ, have numbers of their own, or the last layer has one
 */
export function hiddenActivation(layers: readonly Layer[]): Activation {
  const activation = uniformActivation(layers);
  if (activation !== undefined) return activation;
  throw new NetworkError("ERR_NETWORK_ACTIVATIONS", { found: layers.map((layer) => layer.activation) });
}

export const WRITTEN_TYPES = ["float32", "float64"] as const;
export type WrittenType = (typeof WRITTEN_TYPES)[number];

/**
 * Encodes float64 as little-endian bytes, in order; float32 is the nearest one. `name` is for the message.
 *
 * @throws NetworkError ERR_NETWORK_F32 if a number is beyond float32
 */
export function encodeElements(name: string, values: Float64Array, type: WrittenType): Uint8Array {
  const elementBytes = ELEMENT_BYTES[type];
  const bytes = new Uint8Array(values.length * elementBytes);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    if (type === "float64") view.setFloat64(index * elementBytes, value, true);
    else view.setFloat32(index * elementBytes, finiteFloat32(name, value, index), true);
  });
  return bytes;
}

function finiteFloat32(layer: string, value: number, index: number): number {
  const rounded = Math.fround(value);
  if (Number.isFinite(rounded)) return rounded;
  throw new NetworkError("ERR_NETWORK_F32", { layer, index, found: String(value) });
}

/** Returns the parts in order, in a buffer of their own. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Largest |float32(x) − x| ÷ |x| of all weights and biases; 0 if float32 holds each exactly. */
export function largestFloat32Change({ layers }: Pick<Network, "layers">): number {
  let largest = 0;
  for (const layer of layers) {
    for (const values of "weights" in layer ? [layer.weights, layer.biases] : []) {
      for (const value of values) {
        // Zero is exact, and has no relative error.
        if (value !== 0) largest = Math.max(largest, Math.abs((Math.fround(value) - value) / value));
      }
    }
  }
  return largest;
}
