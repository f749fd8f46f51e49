/** Named arrays → the layers of a network: the right names, shapes that chain, finite numbers, in shared memory. */
import type { ImageShape } from "../contracts/dataset.js";
import type { Activation, Layer, Network } from "../contracts/network.js";
import { NetworkError } from "../errors.js";
import type { NamedArray, NamedArrays } from "./arrays.js";
import { listed } from "./printable.js";

/** Predictions are u16: classes 0 to 65,534, and one value to spare. */
const MAX_OUTPUTS = 65_535;

/**
 * Layers 1 to n from W1 (inputs × outputs), b1 (outputs, or 1 × outputs) … Wn, bn; `activation` for all but the last,
 * whose outputs are logits. Weights and biases are copied to shared memory, so that workers can view them.
 *
 * @throws NetworkError ERR_NETWORK_KEYS, ERR_NETWORK_CHAIN, ERR_NETWORK_OUTPUTS, ERR_NETWORK_NOT_FINITE.
 */
export function buildLayers(path: string, arrays: NamedArrays, activation: Activation): Layer[] {
  const pairs = pairUp(path, arrays);
  const share = sharer(path);
  let chained: number | undefined;
  return pairs.map(([weights, biases], index): Layer => {
    const [inputs, outputs] = matrixShape(path, `W${index + 1}`, weights.shape, chained);
    checkVector(path, `b${index + 1}`, biases.shape, outputs);
    if (outputs > MAX_OUTPUTS && index === pairs.length - 1) {
      throw new NetworkError("ERR_NETWORK_OUTPUTS", { path, found: outputs, limit: MAX_OUTPUTS });
    }
    chained = outputs;
    return {
      inputs,
      outputs,
      weights: share(`W${index + 1}`, weights.data),
      biases: share(`b${index + 1}`, biases.data),
      activation: index === pairs.length - 1 ? "identity" : activation,
    };
  });
}

/** @throws NetworkError ERR_NETWORK_INPUTS when the first layer does not read as many inputs as an image has pixels. */
export function assertFitsImages(network: Pick<Network, "layers">, path: string, shape: ImageShape): void {
  const expected = network.layers[0]?.inputs ?? 0;
  const found = shape.rows * shape.columns;
  if (found !== expected) {
    const imageShape = [shape.rows, shape.columns];
    throw new NetworkError("ERR_NETWORK_INPUTS", { path, expected, found, imageShape });
  }
}

/** The arrays by layer. As many layers are expected as there are matrices named W and a number. */
function pairUp(path: string, arrays: NamedArrays): (readonly [NamedArray, NamedArray])[] {
  const layers = Math.max(1, [...arrays.keys()].filter((name) => /^W\d+$/.test(name)).length);
  const missing: string[] = [];
  const pairs: (readonly [NamedArray, NamedArray])[] = [];
  const expected = new Set<string>();
  for (let number = 1; number <= layers; number += 1) {
    const names = [`W${number}`, `b${number}`] as const;
    const [weights, biases] = [arrays.get(names[0]), arrays.get(names[1])];
    for (const name of names) {
      expected.add(name);
      if (!arrays.has(name)) missing.push(name);
    }
    if (weights !== undefined && biases !== undefined) pairs.push([weights, biases]);
  }
  const unexpected = [...arrays.keys()].filter((name) => !expected.has(name));
  if (missing.length > 0 || unexpected.length > 0) {
    throw new NetworkError("ERR_NETWORK_KEYS", {
      path,
      expected: layers === 1 ? "arrays W1, b1" : `arrays W1, b1 to W${layers}, b${layers}`,
      found: [
        ...(missing.length > 0 ? [`no ${listed(missing)}`] : []),
        ...(unexpected.length > 0 ? [`unexpected ${listed(unexpected)}`] : []),
      ].join("; "),
    });
  }
  return pairs;
}

function matrixShape(
  path: string,
  layer: string,
  shape: readonly number[],
  expectedInputs: number | undefined,
): readonly [inputs: number, outputs: number] {
  const [inputs = 0, outputs = 0, ...more] = shape;
  if (inputs === 0 || outputs === 0 || more.length > 0 || inputs !== (expectedInputs ?? inputs)) {
    const expected = `(${expectedInputs ?? "inputs"}, outputs)`;
    throw new NetworkError("ERR_NETWORK_CHAIN", { path, layer, expected, found: shape });
  }
  return [inputs, outputs];
}

/** (outputs), or the one row that some write for it. */
function checkVector(path: string, layer: string, shape: readonly number[], outputs: number): void {
  const [rows, columns] = shape.length === 1 ? [1, shape[0]] : shape;
  if (shape.length < 1 || shape.length > 2 || rows !== 1 || columns !== outputs) {
    throw new NetworkError("ERR_NETWORK_CHAIN", { path, layer, expected: `(${outputs},)`, found: shape });
  }
}

/** Copies arrays to shared memory and looks at each number on the way; an array that two layers share is shared there. */
function sharer(path: string): (layer: string, data: Float64Array) => Float64Array {
  const shared = new Map<Float64Array, Float64Array>();
  return (layer, data) => {
    const known = shared.get(data);
    if (known !== undefined) return known;
    const index = data.findIndex((value) => !Number.isFinite(value));
    if (index >= 0) {
      throw new NetworkError("ERR_NETWORK_NOT_FINITE", { path, layer, index, found: String(data[index]) });
    }
    const copy = new Float64Array(new SharedArrayBuffer(data.byteLength));
    copy.set(data);
    shared.set(data, copy);
    return copy;
  };
}
