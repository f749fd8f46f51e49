/** Memory of the kernel: constants first, the same for all workers, then scratch, then pixels and answers. */
import type { FoldedLayers } from "#src/base/contracts/engine.js";
import { activationError, type ErrorBounds, type PairBounds } from "./error-bound.js";
import * as field from "./fields.js";
import { type KernelActivation, type KernelLayer, LANES } from "./quantise.js";

/** Images per call: enough to be worth the call, few enough to stay in a core's cache. */
export const TILE_IMAGES = 128;
const PAGE_BYTES = 65_536;
const VECTOR_BYTES = 16;
/** Address 0 is left free, so that a forgotten pointer is noticed. */
const FIRST_BYTE = 64;
const MASKS = 256;
/** Bound for a lane beyond the classes, and for a class against itself: always apart. */
const ALWAYS_APART = Number.NEGATIVE_INFINITY;
/** Addresses are i32. */
const MOST_BYTES = 2 ** 31 - PAGE_BYTES;

const ACTIVATION_CODE: Readonly<Record<KernelActivation, number>> = {
  identity: field.IDENTITY,
  sigmoid: field.SIGMOID,
  tanh: field.TANH,
  relu: field.RELU,
};
const MINUS_LOG2_E = -Math.LOG2E;
/** Factor of exp2's argument, by activation; see `activate` in the kernel. */
const ARGUMENT_FACTOR: Readonly<Record<KernelActivation, number>> = {
  identity: 1,
  relu: 1,
  sigmoid: MINUS_LOG2_E,
  tanh: 2 * MINUS_LOG2_E,
};

/** Memory image that a worker needs besides the compiled module. Structured clone shares it. */
export interface KernelImage {
  /** Constants, to be copied to address 0. */
  readonly constants: SharedArrayBuffer;
  readonly pages: number;
  readonly run: number;
  /** Bytes between two images: the inputs, rounded up to whole vectors. */
  readonly stride: number;
  readonly pixels: number;
  readonly answers: number;
  /** Number of f32 per row of logits. */
  readonly logitsStride: number;
}

/**
 * True if everything that `layOut` makes of these layers, and its source, has addresses: the lists and pixels of an
 * image, each weight up to three times, and the bounds of each pair of classes, in float64 too.
 */
export function fitsMemory(layers: FoldedLayers): boolean {
  const rowBytes = (elements: number) => upTo(4 * elements, VECTOR_BYTES) + VECTOR_BYTES;
  const stride = upTo(layers[0]!.inputs, VECTOR_BYTES);
  const classes = layers[layers.length - 1]!.outputs;
  const perImage = (TILE_IMAGES + 8 * field.GROUP) * stride + TILE_IMAGES * rowBytes(classes);
  const perPair = classes * (2 * rowBytes(classes) + 4 * Float64Array.BYTES_PER_ELEMENT * classes);
  const perLayer = layers.map(
    ({ inputs, outputs }) => (3 * (inputs + 1) + 2 * field.GROUP + 8) * rowBytes(outputs),
  );
  return perLayer.reduce((sum, bytes) => sum + bytes, perImage + perPair) <= MOST_BYTES;
}

export function layOut(
  layers: readonly KernelLayer[],
  { pairs: bounds, fixed, slack }: ErrorBounds,
): KernelImage {
  const { inputs } = layers[0]!.layer;
  const stride = upTo(inputs, VECTOR_BYTES);
  const last = layers[layers.length - 1]!;
  const logitsStride = last.vectors * LANES;

  const sections: { at: number; bytes: Uint8Array }[] = [];
  let end = FIRST_BYTE;
  /** Reserves whole vectors and one more: the kernel may read beyond an odd last one. */
  function reserve(byteLength: number): number {
    const at = end;
    end = upTo(end + byteLength + VECTOR_BYTES, VECTOR_BYTES);
    return at;
  }
  function place(values: Int16Array | Float32Array | Uint8Array): number {
    const at = reserve(values.byteLength);
    sections.push({ at, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) });
    return at;
  }

  const run = reserve(field.RUN_BYTES);
  const layersAt = reserve(layers.length * field.LAYER_BYTES);
  const slopes = place(boundRows(bounds, bounds.slope, logitsStride, 0));
  const bases = place(boundRows(bounds, bounds.base, logitsStride, ALWAYS_APART));
  const addresses = layers.map((layer, n) => ({
    fixedSlopes: place(padded(fixed[n]!.slope, layer)),
    fixedBases: place(padded(fixed[n]!.base, layer)),
    plainWeights: n === 0 ? 0 : place(plainRows(layer, layer.layer.weights)),
    weightErrors: n === 0 ? 0 : place(plainRows(layer, layer.weightErrors)),
    weights: place(inTiles(layer, n === 0 ? field.SPARSE_VECTORS : field.DENSE_VECTORS)),
    scales: place(perOutput(layer, (j) => argumentFactor(layer) / divisorOf(layer, j))),
    biases: place(perOutput(layer, (j) => argumentFactor(layer) * layer.layer.biases[j]!)),
  }));
  const shuffles = place(shuffleRows());
  const constantBytes = end;
  const values = reserve(field.GROUP * stride * 4);
  const indexes = reserve(field.GROUP * stride * 4);
  const counts = reserve(field.GROUP * 4);
  const pixelSums = reserve(field.GROUP * 4);
  const widest = Math.max(...layers.map(({ vectors }) => vectors)) * VECTOR_BYTES;
  const sumErrors = reserve(widest);
  const outErrors = reserve(widest);
  const magnitudes = reserve(widest);
  const rowBytes = layers.map(({ vectors }) => (vectors + 1) * VECTOR_BYTES);
  const sums = rowBytes.map((bytes) => reserve(field.GROUP * bytes));
  const outs = rowBytes.map((bytes) => reserve(field.GROUP * bytes));
  const pixels = reserve(TILE_IMAGES * stride);
  const answers = reserve(TILE_IMAGES * Math.max(Int32Array.BYTES_PER_ELEMENT, logitsStride * 4));

  const constants = new SharedArrayBuffer(constantBytes);
  const view = new DataView(constants);
  const setRun = (offset: number, value: number) => view.setInt32(run + offset, value, true);
  setRun(field.RUN_STRIDE, stride);
  setRun(field.RUN_SHUFFLES, shuffles);
  setRun(field.RUN_VALUES, values);
  setRun(field.RUN_INDEXES, indexes);
  setRun(field.RUN_LAYERS, layersAt);
  setRun(field.RUN_LAYER_COUNT, layers.length);
  setRun(field.RUN_BOUND_SLOPES, slopes);
  setRun(field.RUN_BOUND_BASES, bases);
  setRun(field.RUN_COUNTS, counts);
  setRun(field.RUN_PIXEL_SUMS, pixelSums);
  setRun(field.RUN_SUM_ERRORS, sumErrors);
  setRun(field.RUN_OUT_ERRORS, outErrors);
  setRun(field.RUN_MAGNITUDES, magnitudes);
  setRun(field.RUN_OUTPUTS, bounds.classes);
  view.setFloat32(run + field.RUN_ERROR_SLACK, slack, true);
  layers.forEach((layer, n) => {
    const at = layersAt + n * field.LAYER_BYTES;
    const set = (offset: number, value: number) => view.setInt32(at + offset, value, true);
    const isInteger = layer.kind === "integer";
    set(field.LAYER_IS_INTEGER, isInteger ? 1 : 0);
    set(field.LAYER_INPUTS, isInteger ? layer.pairs : layer.layer.inputs);
    set(field.LAYER_VECTORS, layer.vectors);
    set(field.LAYER_WEIGHTS, addresses[n]!.weights);
    set(field.LAYER_SCALES, addresses[n]!.scales);
    set(field.LAYER_BIASES, addresses[n]!.biases);
    set(field.LAYER_ACTIVATION, ACTIVATION_CODE[layer.layer.activation]);
    set(field.LAYER_SUMS, sums[n]!);
    set(field.LAYER_OUT, outs[n]!);
    view.setFloat32(at + field.LAYER_OUT_SCALE, layer.outScale, true);
    set(field.LAYER_ROW_BYTES, rowBytes[n]!);
    set(field.LAYER_FIXED_SLOPES, addresses[n]!.fixedSlopes);
    set(field.LAYER_FIXED_BASES, addresses[n]!.fixedBases);
    set(field.LAYER_PLAIN_WEIGHTS, addresses[n]!.plainWeights);
    view.setFloat32(at + field.LAYER_ACTIVATION_ERROR, activationError(layer), true);
    set(field.LAYER_WEIGHT_ERRORS, addresses[n]!.weightErrors);
    set(field.LAYER_IS_TAME, isTame(layer) ? 1 : 0);
  });
  for (const { at, bytes } of sections) new Uint8Array(constants).set(bytes, at);
  return { constants, pages: Math.ceil(end / PAGE_BYTES), run, stride, pixels, answers, logitsStride };
}

/** (inputs, made even in number, × vectors · 4) f32: weights, or their errors, for the bound of a single image. */
function plainRows({ layer, vectors }: KernelLayer, values: Float64Array): Float32Array {
  const rows = new Float32Array((layer.inputs + (layer.inputs % 2)) * vectors * LANES);
  for (let k = 0; k < layer.inputs; k++) {
    rows.set(values.subarray(k * layer.outputs, (k + 1) * layer.outputs), k * vectors * LANES);
  }
  return rows;
}

function padded(values: Float64Array, { vectors }: KernelLayer): Float32Array {
  const row = new Float32Array(vectors * LANES);
  row.set(values);
  return row;
}

/** (rows × vectors · 4) of int16 pairs or f32 → the same, tile by tile, each tile (rows × its vectors · 4). */
function inTiles(layer: KernelLayer, tileVectors: number): Int16Array | Float32Array {
  const { weights, vectors } = layer;
  const vectorElements = layer.kind === "integer" ? 2 * LANES : LANES;
  const rowElements = vectors * vectorElements;
  const rows = weights.length / rowElements;
  const tiled = weights.slice();
  let [to, first] = [0, 0];
  for (let parts = Math.ceil(vectors / tileVectors); parts > 0; parts--) {
    const width = Math.ceil((vectors - first) / parts) * vectorElements;
    for (let row = 0; row < rows; row++) {
      const from = row * rowElements + first * vectorElements;
      tiled.set(weights.subarray(from, from + width), to);
      to += width;
    }
    first += width / vectorElements;
  }
  return tiled;
}

/** (256 × 16): for each mask of eight pairs of bytes, the shuffle that moves the pairs of its set bits to the front. */
function shuffleRows(): Uint8Array {
  const NOTHING = 0x80;
  const rows = new Uint8Array(MASKS * VECTOR_BYTES).fill(NOTHING);
  for (let mask = 0; mask < MASKS; mask++) {
    let at = mask * VECTOR_BYTES;
    for (let pair = 0; pair < 8; pair++) {
      if ((mask >> pair) & 1) {
        rows[at++] = 2 * pair;
        rows[at++] = 2 * pair + 1;
      }
    }
  }
  return rows;
}

/** Divisor that makes a sum the layer's z without its bias. */
function divisorOf(layer: KernelLayer, output: number): number {
  return layer.kind === "integer" ? layer.weightScales[output]! * layer.inScale : 1;
}

function argumentFactor({ layer }: KernelLayer): number {
  return ARGUMENT_FACTOR[layer.activation];
}

/** The rounding of an argument to float32 is far less than what lies between this and the kernel's clamp at ±126. */
const TAME_ARGUMENT = 125;

function isTame(layer: KernelLayer): boolean {
  return layer.kind === "integer" && Math.abs(argumentFactor(layer)) * layer.reach <= TAME_ARGUMENT;
}

/** Lanes beyond the outputs are 0. */
function perOutput({ vectors, layer }: KernelLayer, of: (output: number) => number): Float32Array {
  return Float32Array.from({ length: vectors * LANES }, (_, j) => (j < layer.outputs ? of(j) : 0));
}

function boundRows(
  { classes }: PairBounds,
  values: Float64Array,
  stride: number,
  padding: number,
): Float32Array {
  const rows = new Float32Array(classes * stride).fill(padding);
  for (let a = 0; a < classes; a++) {
    for (let b = 0; b < classes; b++) if (a !== b) rows[a * stride + b] = values[a * classes + b]!;
  }
  return rows;
}

function upTo(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
