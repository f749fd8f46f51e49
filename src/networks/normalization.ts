/** Normalizations x · scale + shift, and how layers take them in: in float64, so that engines meet none. */
import type { Conv2dLayer, DenseLayer, MapShape, Padding, Pair } from "#src/base/contracts/network.js";
import { outputOf, sizeOf } from "./chain.js";

export const NO_PADDING: Padding = { top: 0, left: 0, bottom: 0, right: 0 };

/** x · scale + shift. Channel or unit c has the numbers at c modulo their count. */
export interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** The normalization that changes nothing, for `channels` channels. */
export function affine(channels: number): Affine {
  return { scale: new Float64Array(channels).fill(1), shift: new Float64Array(channels) };
}

export interface BatchNormalization {
  /** Default: ones. */
  readonly gamma?: ArrayLike<number> | undefined;
  /** Default: zeros. */
  readonly beta?: ArrayLike<number> | undefined;
  readonly mean: ArrayLike<number>;
  readonly variance: ArrayLike<number>;
  readonly epsilon: number;
}

/** (x − mean) ÷ √(variance + ε) · γ + β as one product and one sum. */
export function batchNormalization({ gamma, beta, mean, variance, epsilon }: BatchNormalization): Affine {
  const scale = Float64Array.from(mean, (_, c) => (gamma?.[c] ?? 1) / Math.sqrt(variance[c]! + epsilon));
  return { scale, shift: scale.map((factor, c) => (beta?.[c] ?? 0) - mean[c]! * factor) };
}

/** First `before`, then `after`. */
export function composed(before: Affine, after: Affine): Affine {
  const count = Math.max(before.scale.length, after.scale.length);
  const at = (values: Float64Array, c: number) => values[c % values.length]!;
  const scale = Float64Array.from({ length: count }, (_, c) => at(before.scale, c) * at(after.scale, c));
  const shift = Float64Array.from(
    { length: count },
    (_, c) => at(before.shift, c) * at(after.scale, c) + at(after.shift, c),
  );
  return { scale, shift };
}

/** A layer without activation, whose outputs are then normalized: W' = W · scale, b' = b · scale + shift per output. */
export function foldBack<L extends DenseLayer | Conv2dLayer>(layer: L, { scale, shift }: Affine): L {
  const outputs = layer.biases.length;
  const weights = shared(layer.weights.length);
  for (let n = 0; n < weights.length; n++) {
    weights[n] = layer.weights[n]! * scale[(n % outputs) % scale.length]!;
  }
  const biases = shared(outputs);
  for (let o = 0; o < outputs; o++) {
    biases[o] = layer.biases[o]! * scale[o % scale.length]! + shift[o % shift.length]!;
  }
  return { ...layer, weights, biases };
}

/**
 * A layer whose inputs are normalized first: W' = scale · W, b' = b + Σ shift · W. Zeros of a convolution's padding are not
 * normalized, so the padding gets the value that the normalization turns into zero. Undefined if there is no single one.
 */
export function foldInto<L extends DenseLayer | Conv2dLayer>(
  { scale, shift }: Affine,
  layer: L,
): L | undefined {
  const channels = layer.kind === "dense" ? layer.inputs : layer.input.channels;
  if (layer.kind === "conv2d" && scale.length > channels) return undefined;
  const at = (values: Float64Array, c: number) => values[c % values.length]!;
  let paddingValue: number | undefined;
  if (layer.kind === "conv2d" && Object.values(layer.padding).some((size) => size > 0)) {
    const values = new Set(
      Array.from({ length: channels }, (_, c) => (at(shift, c) === 0 ? 0 : -at(shift, c) / at(scale, c))),
    );
    if (values.size > 1 || layer.paddingValue !== 0) return undefined;
    [paddingValue] = values;
    if (!Number.isFinite(paddingValue)) return undefined;
  }
  const outputs = layer.biases.length;
  const groups = layer.kind === "dense" ? 1 : layer.groups;
  const [groupInputs, groupOutputs] = [channels / groups, outputs / groups];
  const weights = shared(layer.weights.length);
  const biases = shared(outputs);
  biases.set(layer.biases);
  for (let n = 0; n < weights.length; n++) {
    const o = n % outputs;
    const channel = Math.floor(o / groupOutputs) * groupInputs + (Math.floor(n / outputs) % groupInputs);
    weights[n] = layer.weights[n]! * at(scale, channel);
    biases[o]! += layer.weights[n]! * at(shift, channel);
  }
  return paddingValue === undefined
    ? { ...layer, weights, biases }
    : { ...layer, weights, biases, paddingValue };
}

/**
 * A convolution of 1 × 1 for each channel by itself, which normalizes a map, or pads it with zeros. Units are the channels of
 * a map of one element.
 */
export function perChannel(
  shape: MapShape | number,
  { scale, shift }: Affine,
  padding: Padding = NO_PADDING,
): Conv2dLayer {
  const input = typeof shape === "object" ? shape : { rows: 1, columns: 1, channels: shape };
  const { channels } = input;
  const one: Pair = [1, 1];
  const output = outputOf({ input, kernel: one, stride: one, dilation: one, padding, channels });
  const [weights, biases] = [shared(channels), shared(channels)];
  for (let c = 0; c < channels; c++) {
    weights[c] = scale[c % scale.length]!;
    biases[c] = shift[c % shift.length]!;
  }
  return {
    kind: "conv2d",
    ...{ inputs: sizeOf(input), outputs: sizeOf(output), activation: "identity" },
    ...{ input, output, kernel: one, stride: one, dilation: one, padding, paddingValue: 0 },
    ...{ groups: channels, weights, biases },
  };
}

/** Rows of a matrix (units × columns) that is flattened channels first, in the order (rows, columns, channels) of a map. */
export function channelsLast(matrix: ArrayLike<number>, map: MapShape, columns: number): Float64Array {
  const { rows, columns: across, channels } = map;
  const places = rows * across;
  const moved = new Float64Array(places * channels * columns);
  let to = 0;
  for (let place = 0; place < places; place++) {
    for (let c = 0; c < channels; c++) {
      const from = (c * places + place) * columns;
      for (let n = 0; n < columns; n++) moved[to++] = matrix[from + n]!;
    }
  }
  return moved;
}

function shared(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(length * Float64Array.BYTES_PER_ELEMENT));
}
