/** Folds the preprocessing into the first layer once, so that engines read bytes. */

import { finished, inTurns, type Steps } from "#src/base/abort.js";
import type {
  DenseLayer,
  EngineSource,
  FoldedLayers,
  Layer,
  Network,
  OnnxModel,
  Preprocessing,
} from "#src/base/contracts/network.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { type Affine, foldInto, perChannel } from "./normalization.js";

/** Weights that take a few milliseconds. */
const STEP_ELEMENTS = 2 ** 20;
/** Largest value of a pixel's byte. */
const WHITE = 255;

/** Unit of pixels: bytes 0..255, or fractions, which are bytes ÷ 255. */
export type PixelUnit = "byte" | "fraction";

/** x' = (x − offset) ÷ divisor. */
interface Shift {
  readonly offset: number;
  readonly divisor: number;
}

/** Source of an engine: layers that read bytes, or a whole model. */
export async function engineSource(
  network: Network | OnnxModel,
  signal?: AbortSignal,
): Promise<EngineSource> {
  return "layers" in network ? inTurns(foldInSteps(network), signal) : network;
}

/**
 * Returns layers that read pixels in `unit` and give what the network's layers give for preprocessed pixels:
 * W' (I,O) = W ÷ divisor, b' (O) = b − Σ over I of offset · W', in float64. New weights are in shared memory. If
 * nothing changes, the layers are the network's own.
 *
 * With `none`, pixels stay unchanged in either unit.
 *
 * @throws NetworkError ERR_NORMALIZE_OVERFLOW if W' or b' is beyond float64
 */
export function foldPreprocessing(
  network: Pick<Network, "preprocessing"> & {
    readonly layers: readonly DenseLayer[];
    readonly name?: string;
  },
  unit?: PixelUnit,
): readonly DenseLayer[];
export function foldPreprocessing(
  network: Pick<Network, "layers" | "preprocessing"> & { readonly name?: string },
  unit?: PixelUnit,
): FoldedLayers;
export function foldPreprocessing(
  network: Pick<Network, "layers" | "preprocessing"> & { readonly name?: string },
  unit?: PixelUnit,
): FoldedLayers {
  return finished(foldInSteps(network, unit));
}

function* foldInSteps(
  {
    layers,
    preprocessing,
    name = "",
  }: Pick<Network, "layers" | "preprocessing"> & { readonly name?: string },
  unit: PixelUnit = "byte",
): Steps<FoldedLayers> {
  const { offset, divisor } = shiftOf(preprocessing, unit);
  if (offset === 0 && divisor === 1) return layers;
  const [first, ...rest] = atLeast(layers, 1);
  if (first.kind !== "dense") return [...foldMap(first, { offset, divisor }, name), ...rest];
  const weights = yield* divided(first.weights, divisor);
  if (divisor < 1) assertFinite(name, "W1", weights);
  if (offset === 0) return [{ ...first, weights }, ...rest];
  const sums = columnSums({ ...first, weights });
  const biases = shared(first.biases, (bias, o) => bias - offset * sums[o]!);
  assertFinite(name, "b1", biases);
  return [{ ...first, weights, biases }, ...rest];
}

/**
 * The same for a first layer that reads a map. The zeros of a convolution's padding are x' = 0, and so bytes x = offset.
 * Other layers get a convolution of 1 × 1 before them.
 */
function foldMap(first: Exclude<Layer, DenseLayer>, { offset, divisor }: Shift, name: string): Layer[] {
  const given: Affine = { scale: Float64Array.of(1 / divisor), shift: Float64Array.of(-offset / divisor) };
  const folded = first.kind === "conv2d" ? foldInto(given, first) : undefined;
  if (folded !== undefined) {
    assertFinite(name, "W1", folded.weights);
    assertFinite(name, "b1", folded.biases);
    return [folded];
  }
  return [perChannel("input" in first ? first.input : first.inputs, given), first];
}

/** Finite weights can become infinite when they are divided by less than 1, or when offsets are added up. */
function assertFinite(path: string, layer: string, values: Float64Array): void {
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) {
      throw new NetworkError("ERR_NORMALIZE_OVERFLOW", { path, layer, index });
    }
  }
}

function shiftOf(preprocessing: Preprocessing, unit: PixelUnit): Shift {
  const white = unit === "byte" ? WHITE : 1;
  switch (preprocessing.kind) {
    case "none":
      return { offset: 0, divisor: 1 };
    case "scale":
      return { offset: 0, divisor: white };
    case "standardize":
      return { offset: preprocessing.mean * white, divisor: preprocessing.std * white };
    case "whiten-zca":
    case "whiten-pca":
      // Folded for bytes already.
      return { offset: 0, divisor: white / WHITE };
  }
}

/** x' = (x ÷ 255 − μ) · A (I,I). */
interface Whitened {
  readonly means: Float64Array;
  readonly matrix: Float64Array;
}

/**
 * Returns layers that read bytes x in place of x' = (x ÷ 255 − μ) · A: W' (I,O) = A · W ÷ 255,
 * b' (O) = b − μ · A · W, in float64 and shared memory.
 */
export function foldAffine(layers: readonly DenseLayer[], { means, matrix }: Whitened): DenseLayer[] {
  const [first, ...rest] = atLeast(layers, 1);
  const { inputs, outputs, weights } = first;
  const product = new Float64Array(inputs * outputs);
  for (let i = 0; i < inputs; i++) {
    for (let k = 0; k < inputs; k++) {
      const a = matrix[i * inputs + k]!;
      for (let o = 0; o < outputs; o++) product[i * outputs + o]! += a * weights[k * outputs + o]!;
    }
  }
  const sums = columnSums({ inputs, outputs, weights: product }, means);
  return [
    {
      ...first,
      weights: finished(divided(product, WHITE)),
      biases: shared(first.biases, (bias, o) => bias - sums[o]!),
    },
    ...rest,
  ];
}

/** out (O) = Σ over I of factors (I, or 1 each) · weights (I,O). */
function columnSums(
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
function* divided(values: Float64Array, divisor: number): Steps<Float64Array> {
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

function shared(values: Float64Array, change: (value: number, index: number) => number): Float64Array {
  const changed = new Float64Array(new SharedArrayBuffer(values.byteLength));
  for (let n = 0; n < values.length; n++) changed[n] = change(values[n]!, n);
  return changed;
}
