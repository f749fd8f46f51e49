/** Builds the layers of a network from named arrays, checks that numbers are finite, and copies them to shared memory. */

import type { ImageShape } from "#src/base/contracts/dataset.js";
import type { Activation, DenseLayer, Network, OnnxModel } from "#src/base/contracts/network.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { type NamedArray, type NamedArrays, transpose } from "#src/files/formats/arrays.js";
import { layerSizes } from "./chain.js";
import { planLayers } from "./state-dict.js";

/**
 * Returns layers 1 to n from arrays W1 (inputs × outputs), b1 (outputs, or 1 × outputs) … Wn, bn, or from those of a PyTorch
 * state dict. `activation` is that of every layer except the last, or one for each of these. The outputs of the last layer are
 * logits. Weights and biases are copied to shared memory, so that workers can read them.
 *
 * @throws NetworkError ERR_NETWORK_NOT_FINITE, and all that `planLayers` throws.
 */
export function buildLayers(
  path: string,
  arrays: NamedArrays,
  activation: Activation | readonly Activation[],
): DenseLayer[] {
  const plan = planLayers(path, new Map([...arrays].map(([name, { shape }]) => [name, shape])));
  const share = sharer(path);
  return plan.map(({ inputs, outputs, weights, transposed, biases }, index): DenseLayer => {
    const hidden = typeof activation === "string" ? activation : activation[index];
    return {
      kind: "dense",
      inputs,
      outputs,
      weights: share(weights, arrays.get(weights), transposed ? inputs : undefined),
      biases: biases === undefined ? zeros(outputs) : share(biases, arrays.get(biases)),
      activation: index < plan.length - 1 && hidden !== undefined ? hidden : "identity",
    };
  });
}

/**
 * @throws NetworkError ERR_NETWORK_INPUTS if the number of inputs is not that of an image's pixels; ERR_NETWORK_IMAGES if the
 *   file states other rows and columns
 */
export function assertFitsImages(
  { layers, imageSizes }: Pick<Network, "layers" | "imageSizes">,
  path: string,
  shape: ImageShape,
): void {
  const expected = layers[0]?.inputs ?? 0;
  const found = shape.rows * shape.columns;
  const imageShape = [shape.rows, shape.columns];
  if (found !== expected) throw new NetworkError("ERR_NETWORK_INPUTS", { path, expected, found, imageShape });
  if (imageSizes === undefined || `${imageSizes}` === `${imageShape}`) return;
  throw new NetworkError("ERR_NETWORK_IMAGES", { path, expected: imageSizes, found: imageShape });
}

/**
 * @throws NetworkError ERR_NETWORK_INPUTS if the model reads another number of pixels; ERR_NETWORK_IMAGES if it reads
 *   images of other rows and columns.
 */
export function assertModelFits(model: OnnxModel, shape: ImageShape): void {
  const { name, input } = model;
  const imageShape = [shape.rows, shape.columns];
  if (input.shape.length === 1) {
    const [expected] = atLeast(layerSizes(model), 1);
    const found = shape.rows * shape.columns;
    if (found === expected) return;
    throw new NetworkError("ERR_NETWORK_INPUTS", { path: name, expected, found, imageShape });
  }
  const [rows, columns] = atLeast(input.shape.length === 2 ? input.shape : withoutChannel(input.shape), 2);
  if (rows === shape.rows && columns === shape.columns) return;
  throw new NetworkError("ERR_NETWORK_IMAGES", { path: name, expected: [rows, columns], found: imageShape });
}

/** (1, rows, columns) or (rows, columns, 1). */
function withoutChannel(shape: readonly number[]): readonly number[] {
  return shape[0] === 1 ? shape.slice(1) : shape.slice(0, 2);
}

const NOT_FINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/** A copy in shared memory, f64. @throws NetworkError ERR_NETWORK_NOT_FINITE */
export function finiteCopy(path: string, layer: string, numbers: ArrayLike<number>): Float64Array {
  const copy = zeros(numbers.length);
  copy.set(numbers);
  // Built-in searches first: they are fast from the first call on.
  if (NOT_FINITE.some((value) => copy.includes(value))) {
    const index = copy.findIndex((value) => !Number.isFinite(value));
    const facts = { path, layer: printable(layer), index, found: String(copy[index]) };
    throw new NetworkError("ERR_NETWORK_NOT_FINITE", facts);
  }
  return copy;
}

/**
 * Copies arrays to shared memory and checks each number. An array that two layers share stays shared.
 * With `columns`, the array has that many columns and is transposed.
 */
function sharer(
  path: string,
): (layer: string, array: NamedArray | undefined, columns?: number) => Float64Array {
  const shared = new Map<NamedArray, Float64Array>();
  return (layer, array, columns) => {
    // The plan names only arrays that exist.
    if (array === undefined) return zeros(0);
    const known = shared.get(array);
    if (known !== undefined) return known;
    let copy = finiteCopy(path, layer, array.data);
    if (columns !== undefined) {
      const rows = copy;
      copy = zeros(rows.length);
      transpose(rows, columns, copy);
    }
    shared.set(array, copy);
    return copy;
  };
}

function zeros(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
}
