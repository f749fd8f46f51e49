/** Folds the preprocessing into the first layer once, so that engines read bytes. */

import type { Steps } from "#src/base/abort.js";
import type { FoldedLayers } from "#src/base/contracts/engine.js";
import type { DenseLayer, Network, Preprocessing } from "#src/base/contracts/network.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { channelsOf, numberOf } from "./recipe.js";

/** Weights that take a few milliseconds. */
const STEP_ELEMENTS = 2 ** 20;
/** Largest value of a pixel's byte. */
const WHITE = 255;

/** Unit of pixels: bytes 0..255, or fractions, which are bytes ÷ 255. */
export type PixelUnit = "byte" | "fraction";

/** x' = (x − offset) ÷ divisor. */
export interface Shift {
  readonly offset: number;
  readonly divisor: number;
}

/** Parts of a network that the folding reads. */
export type Foldable = Pick<Network, "layers" | "preprocessing" | "pixelOrder" | "likelyPixelOrder"> & {
  readonly name?: string;
};

/** Whether one number standardizes all inputs of a fully connected layer. Other networks are rarer. */
export function isPlain({ layers, preprocessing }: Foldable): boolean {
  return layers[0]?.kind === "dense" && channelsOf(preprocessing) === 1;
}

/** `foldPreprocessing` in steps, for a plain network. */
export function* foldPlain(network: Foldable, unit: PixelUnit = "byte"): Steps<FoldedLayers> {
  const { layers, preprocessing, name = "" } = network;
  const { offset, divisor } = shiftOf(preprocessing, unit);
  if (offset === 0 && divisor === 1) return layers;
  const [first, ...rest] = atLeast(layers, 1);
  if (first.kind !== "dense") throw new RangeError("a network that is not plain");
  const weights = yield* divided(first.weights, divisor);
  if (divisor < 1) assertFinite(name, "W1", weights);
  if (offset === 0) return [{ ...first, weights }, ...rest];
  const sums = columnSums({ ...first, weights });
  const biases = shared(first.biases, (bias, o) => bias - offset * sums[o]!);
  assertFinite(name, "b1", biases);
  return [{ ...first, weights, biases }, ...rest];
}

/** Finite weights can become infinite when they are divided by less than 1, or when offsets are added up. */
export function assertFinite(path: string, layer: string, values: Float64Array): void {
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) {
      throw new NetworkError("ERR_NORMALIZE_OVERFLOW", { path, layer, index });
    }
  }
}

export function shiftOf(preprocessing: Preprocessing, unit: PixelUnit, channel = 0): Shift {
  const white = unit === "byte" ? WHITE : 1;
  switch (preprocessing.kind) {
    case "none":
      return { offset: 0, divisor: 1 };
    case "scale":
      return { offset: 0, divisor: white };
    case "standardize":
      return {
        offset: numberOf(preprocessing.mean, channel) * white,
        divisor: numberOf(preprocessing.std, channel) * white,
      };
    case "whiten-zca":
    case "whiten-pca":
      // Folded for bytes already.
      return { offset: 0, divisor: white / WHITE };
  }
}

/** out (O) = Σ over I of factors (I, or 1 each) · weights (I,O). */
export function columnSums(
  { inputs, outputs, weights }: Pick<DenseLayer, "inputs" | "outputs" | "weights">,
  factors?: Float64Array,
): Float64Array {
  const sums = new Float64Array(outputs);
  for (let i = 0; i < inputs; i++) {
    const factor = factors?.[i] ?? 1;
    for (let o = 0; o < outputs; o++) sums[o]! += factor * weights[i * outputs + o]!;
  }
  return sums;
}

/** A separate loop, because at start nothing is inlined yet. */
export function* divided(values: Float64Array, divisor: number): Steps<Float64Array> {
  const quotients = new Float64Array(new SharedArrayBuffer(values.byteLength));
  for (let begin = 0; begin < values.length; begin += STEP_ELEMENTS) {
    const part = values.subarray(begin, begin + STEP_ELEMENTS);
    divideInto(quotients.subarray(begin), part, divisor);
    yield;
  }
  return quotients;
}

function divideInto(quotients: Float64Array, values: Float64Array, divisor: number): void {
  for (let n = 0; n < values.length; n++) quotients[n] = values[n]! / divisor;
}

export function shared(values: Float64Array, change: (value: number, index: number) => number): Float64Array {
  const changed = new Float64Array(new SharedArrayBuffer(values.byteLength));
  for (let n = 0; n < values.length; n++) changed[n] = change(values[n]!, n);
  return changed;
}
