/** Builds the layers of a network from named arrays, checks that numbers are finite, and copies them to shared memory. */

import { finished, type Steps } from "#src/base/abort.js";
import type { Activation, DenseLayer } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { type NamedArray, type NamedArrays, transpose, transposePart } from "#src/files/formats/arrays.js";
import { contradiction } from "./layout.js";
import { planLayers } from "./state-dict.js";

/**
 * Returns layers 1 to n from arrays W1 (inputs × outputs), b1 (outputs, or 1 × outputs) … Wn, bn, or from those of a PyTorch
 * state dict. `activation` is that of every layer except the last, or one for each of these. The outputs of the last layer are
 * logits. Weights and biases are copied to shared memory, so that workers can read them.
 *
 * @throws NetworkError ERR_NETWORK_NOT_FINITE, and all that `planLayers` throws.
 */
export function buildLayers(...given: Parameters<typeof layersInSteps>): DenseLayer[] {
  return finished(layersInSteps(...given));
}

/** `buildLayers` in steps: a network may have hundreds of millions of weights. */
export function* layersInSteps(
  path: string,
  arrays: NamedArrays,
  activation: Activation | readonly Activation[],
): Steps<DenseLayer[]> {
  const plan = planLayers(path, floatShapes(arrays));
  const contradicting = contradiction(plan, arrays);
  if (contradicting !== undefined) {
    const widths = [plan[0]!.inputs, ...plan.map(({ outputs }) => outputs)];
    throw new NetworkError("ERR_NETWORK_KEYS", {
      path,
      expected: `arrays of layers of ${widths.join(", ")} units, as the weights have`,
      found: `${printable(contradicting)} (${listedNumbers(arrays.get(contradicting))})`,
    });
  }
  const share = sharer(path);
  const layers: DenseLayer[] = [];
  for (const [index, { inputs, outputs, weights, transposed, biases }] of plan.entries()) {
    const hidden = typeof activation === "string" ? activation : activation[index];
    layers.push({
      kind: "dense",
      inputs,
      outputs,
      weights: yield* share(weights, arrays.get(weights), transposed ? inputs : undefined),
      biases: biases === undefined ? zeros(outputs) : yield* share(biases, arrays.get(biases)),
      activation: index < plan.length - 1 && hidden !== undefined ? hidden : "identity",
    });
  }
  return layers;
}

/** Shapes of the arrays that can be weights or biases. */
export function floatShapes(arrays: NamedArrays): Map<string, readonly number[]> {
  return new Map(
    [...arrays].flatMap(([name, { shape, isWhole }]) => (isWhole === true ? [] : [[name, shape]])),
  );
}

const MOST_LISTED = 8;

function listedNumbers(array: NamedArray | undefined): string {
  const values = array?.data ?? new Float64Array();
  return `${values.subarray(0, MOST_LISTED).join(", ")}${values.length > MOST_LISTED ? " …" : ""}`;
}

const NOT_FINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

/** A copy in shared memory, f64. @throws NetworkError ERR_NETWORK_NOT_FINITE */
export function finiteCopy(path: string, layer: string, numbers: ArrayLike<number>): Float64Array {
  const copy = zeros(numbers.length);
  copy.set(numbers);
  assertFinite(path, layer, copy, 0);
  return copy;
}

/** `part` is what an array holds from element `at` on. */
function assertFinite(path: string, layer: string, part: Float64Array, at: number): void {
  // Built-in searches first: they are fast from the first call on.
  if (!NOT_FINITE.some((value) => part.includes(value))) return;
  const index = part.findIndex((value) => !Number.isFinite(value));
  const facts = { path, layer: printable(layer), index: at + index, found: String(part[index]) };
  throw new NetworkError("ERR_NETWORK_NOT_FINITE", facts);
}

/**
 * Copies arrays to shared memory and checks each number. An array that two layers share stays shared.
 * With `columns`, the array has that many columns and is transposed.
 */
function sharer(
  path: string,
): (layer: string, array: NamedArray | undefined, columns?: number) => Steps<Float64Array> {
  const shared = new Map<NamedArray, Float64Array>();
  return function* (layer, array, columns) {
    // The plan names only arrays that exist.
    if (array === undefined) return zeros(0);
    const known = shared.get(array);
    if (known !== undefined) return known;
    const copy = zeros(array.shape.reduce((product, size) => product * size, 1));
    let at = 0;
    for (const part of partsOf(array, copy.length)) {
      assertFinite(path, layer, part, at);
      if (columns === undefined) copy.set(part, at);
      else if (part.length === copy.length) transpose(part, columns, copy);
      else transposePart(part, at, columns, copy);
      at += part.length;
      yield;
    }
    shared.set(array, copy);
    return copy;
  };
}

/** Elements that take a few milliseconds to decode and to copy. */
const STEP_ELEMENTS = 2 ** 20;

function* partsOf(array: NamedArray, length: number): Generator<Float64Array> {
  const whole = array.slice === undefined ? array.data : undefined;
  for (let at = 0; at < length; at += STEP_ELEMENTS) {
    const end = Math.min(at + STEP_ELEMENTS, length);
    const part = whole?.subarray(at, end) ?? array.slice?.(at, end);
    if (part !== undefined) yield part;
  }
}

function zeros(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
}
