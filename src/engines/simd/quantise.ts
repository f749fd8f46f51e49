/** Converts float64 weights to those of the kernel: int16 if integer sums provably cannot overflow, else float32. */
import type { Activation, DenseLayer, Layer } from "#src/base/contracts/network.js";

/** Outputs per vector. */
export const LANES = 4;
const INT16_MAX = 32_767;
const INT32_MAX = 2 ** 31 - 1;
const BYTE_MAX = 255;
/** Most pairs of inputs: the kernel's lists name them by u16. */
const MOST_PAIRS = 2 ** 16;
/** Least integer of a column's largest weight. Below it, its rounding would exceed that of float32 sums. */
const LEAST_INTEGER = 1024;
/** A column whose weights are all smaller counts as zero, so that its scale is finite; its errors are its weights. */
const LEAST_COLUMN = 2 ** -200;
/** Scales of int16 activations. The best one for the layer that reads them is used. */
const ACTIVATION_SCALES = [32_767, 16_383, 8191, 4095, 2047];

export const KERNEL_ACTIVATIONS = [
  "identity",
  "sigmoid",
  "tanh",
  "relu",
] as const satisfies readonly Activation[];
/** Activations that the kernel computes. */
export type KernelActivation = (typeof KERNEL_ACTIVATIONS)[number];

/** A layer that the kernel computes. */
export type SimdLayer = DenseLayer & { readonly activation: KernelActivation };

export function isSimdLayer(layer: Layer): layer is SimdLayer {
  return layer.kind === "dense" && KERNEL_ACTIVATIONS.some((known) => known === layer.activation);
}

interface KernelLayerBase {
  readonly layer: SimdLayer;
  /** (outputs): max|w| of each output's weights. */
  readonly largest: Float64Array;
  /** Vectors of four outputs, the last padded with zeros. */
  readonly vectors: number;
  /** (inputs × outputs): each weight as the kernel has it minus itself, in float64. */
  readonly weightErrors: Float64Array;
  /** (outputs): the largest size of each output's weight errors. */
  readonly largestErrors: Float64Array;
  /** Outputs become round(outScale · y) i16; 0 if they stay float32. */
  readonly outScale: number;
}

export interface IntegerLayer extends KernelLayerBase {
  readonly kind: "integer";
  /** (pairs × vectors · 4 × 2) i16: two inputs' weights side by side for each output. */
  readonly weights: Int16Array;
  readonly pairs: number;
  /** (outputs): weight = integer ÷ scale. */
  readonly weightScales: Float64Array;
  /** Inputs are integers: value × inScale; 1 for bytes. */
  readonly inScale: number;
  /** No input brings |sum ÷ its scale + bias| of any output beyond this. */
  readonly reach: number;
}

export interface FloatLayer extends KernelLayerBase {
  readonly kind: "float";
  /** (inputs × vectors · 4) f32. */
  readonly weights: Float32Array;
}

export type KernelLayer = IntegerLayer | FloatLayer;

/** Activations of these lie in −1..1, so that int16 can carry them. */
export function isBounded(activation: Activation): boolean {
  return activation === "sigmoid" || activation === "tanh";
}

export function quantiseLayers(layers: readonly SimdLayer[]): KernelLayer[] {
  const columns = layers.map(columnFacts);
  const scales = layers.map((layer, n) => outScaleOf(layer, layers[n + 1], columns[n + 1]));
  return layers.map((layer, n) => {
    const inScale = n === 0 ? 1 : scales[n - 1]!;
    const inputMax = n === 0 ? BYTE_MAX : inScale;
    const isNameable = n > 0 || layer.inputs <= 2 * MOST_PAIRS;
    const weightScales =
      inScale === 0 || !isNameable ? undefined : weightScalesOf(layer, columns[n]!, inputMax);
    return weightScales === undefined
      ? floatLayer(layer, columns[n]!.largest, scales[n]!)
      : integerLayer(layer, columns[n]!, weightScales, inScale, inputMax, scales[n]!);
  });
}

/** Returns the scale of a layer's int16 activations, or 0 if they are unbounded or cannot be summed as integers. */
function outScaleOf(layer: SimdLayer, next: SimdLayer | undefined, columns: ColumnFacts | undefined): number {
  if (next === undefined || columns === undefined || !isBounded(layer.activation)) return 0;
  let best = { scale: 0, error: Number.POSITIVE_INFINITY };
  for (const scale of ACTIVATION_SCALES) {
    const weightScales = weightScalesOf(next, columns, scale);
    if (weightScales === undefined) continue;
    // Errors of rounding the activations, and of rounding the weights, at activations of about ½.
    const error = Math.max(
      ...columns.sums.map((sum, j) => (0.5 * sum) / scale + (0.25 * next.inputs) / weightScales[j]!),
    );
    if (error < best.error) best = { scale, error };
  }
  return best.scale;
}

/**
 * (outputs): the largest scales with which weights fit int16 and no sum of inputs up to `inputMax` leaves int32:
 * inputMax · Σ|round(scale · w)| ≤ inputMax · (scale · Σ|w| + inputs ÷ 2) ≤ 2³¹ − 1. Undefined where these would make the
 * integers so small that float32 is the more exact.
 */
function weightScalesOf(layer: SimdLayer, columns: ColumnFacts, inputMax: number): Float64Array | undefined {
  const room = INT32_MAX / inputMax - layer.inputs / 2;
  const { sums, largest } = columns;
  const scales = sums.map((sum, j) =>
    largest[j]! < LEAST_COLUMN ? 1 : Math.min(INT16_MAX / largest[j]!, room / sum),
  );
  const isFine = scales.every(
    (scale, j) => largest[j]! < LEAST_COLUMN || scale * largest[j]! >= LEAST_INTEGER,
  );
  return isFine ? scales : undefined;
}

function integerLayer(
  layer: SimdLayer,
  { sums, largest }: ColumnFacts,
  weightScales: Float64Array,
  inScale: number,
  inputMax: number,
  outScale: number,
): IntegerLayer {
  const { inputs, outputs, weights: source, biases } = layer;
  const vectors = Math.ceil(outputs / LANES);
  const pairs = Math.ceil(inputs / 2);
  const weights = new Int16Array(pairs * vectors * LANES * 2);
  const weightErrors = new Float64Array(inputs * outputs);
  const largestErrors = new Float64Array(outputs);
  for (let k = 0, at = 0; k < inputs; k++) {
    const row = (k >> 1) * vectors * LANES * 2 + (k & 1);
    for (let j = 0; j < outputs; j++, at++) {
      const weight = source[at]!;
      const scale = weightScales[j]!;
      const integer = Math.round(weight * scale);
      weights[row + 2 * j] = integer;
      const error = integer / scale - weight;
      weightErrors[at] = error;
      const size = Math.abs(error);
      if (size > largestErrors[j]!) largestErrors[j] = size;
    }
  }
  const reaches = sums.map(
    (sum, j) => (inputMax / inScale) * (sum + inputs / 2 / weightScales[j]!) + Math.abs(biases[j]!),
  );
  return {
    kind: "integer",
    layer,
    largest,
    vectors,
    pairs,
    weights,
    weightErrors,
    largestErrors,
    weightScales,
    inScale,
    reach: Math.max(...reaches),
    outScale,
  };
}

function floatLayer(layer: SimdLayer, largest: Float64Array, outScale: number): FloatLayer {
  const { inputs, outputs, weights: source } = layer;
  const vectors = Math.ceil(outputs / LANES);
  const weights = new Float32Array(inputs * vectors * LANES);
  const weightErrors = new Float64Array(inputs * outputs);
  const largestErrors = new Float64Array(outputs);
  for (let k = 0; k < inputs; k++) {
    for (let j = 0; j < outputs; j++) {
      const value = source[k * outputs + j]!;
      weights[k * vectors * LANES + j] = value;
      const error = Math.fround(value) - value;
      weightErrors[k * outputs + j] = error;
      const size = Math.abs(error);
      if (size > largestErrors[j]!) largestErrors[j] = size;
    }
  }
  return { kind: "float", layer, largest, vectors, weights, weightErrors, largestErrors, outScale };
}

/** Returns Σ|w| (outputs) and max|w| (outputs) of each output's weights. */
interface ColumnFacts {
  readonly sums: Float64Array;
  readonly largest: Float64Array;
}

function columnFacts({ inputs, outputs, weights }: DenseLayer): ColumnFacts {
  const sums = new Float64Array(outputs);
  const largest = new Float64Array(outputs);
  for (let k = 0, at = 0; k < inputs; k++) {
    for (let j = 0; j < outputs; j++, at++) {
      const size = Math.abs(weights[at]!);
      sums[j]! += size;
      // NaN stays.
      largest[j] = Math.max(largest[j]!, size);
    }
  }
  return { sums, largest };
}
