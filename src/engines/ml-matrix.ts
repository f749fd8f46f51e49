/** The default engine: ml-matrix's float64 matrices. A convolution is im2col and one product, as in the book's chapter 7. */
import { Matrix } from "ml-matrix";
import type { Engine, FoldedLayers } from "#src/base/contracts/engine.js";
import type { Conv2dLayer, DenseLayer, Layer } from "#src/base/contracts/network.js";
import { isDense } from "#src/networks/chain.js";
import { type Activate, activateOf } from "./activations.js";
import { gatherNonZero, sumRows } from "./float64.js";
import { forwardPool2d } from "./reference.js";

/** Storage and the other methods are the library's. */
export class ZeroSkippingMatrix extends Matrix {
  /** Rows, as ml-matrix keeps them; its type declarations omit the field. */
  declare readonly data: Float64Array[];
  /** All elements, row-major; the rows are views of them. */
  readonly flat: Float64Array;
  #product: ZeroSkippingMatrix | undefined;
  // Elements of one row that are not zero, and the offsets of their rows in the other matrix.
  readonly #values: Float64Array;
  readonly #offsets: Int32Array;

  constructor(rows: number, columns: number, flat: Float64Array = new Float64Array(rows * columns)) {
    super(rows, columns);
    for (let row = 0; row < rows; row++) this.data[row] = flat.subarray(row * columns, (row + 1) * columns);
    this.flat = flat;
    this.#values = new Float64Array(columns);
    this.#offsets = new Int32Array(columns);
  }

  /**
   * this (B,I) · other (I,O) → (B,O), f64. The next call reuses the buffer of the result.
   *
   * The same bits as ml-matrix's own product (float64.ts).
   */
  override mmul(other: ZeroSkippingMatrix): ZeroSkippingMatrix {
    if (this.#product?.columns !== other.columns) {
      this.#product = new ZeroSkippingMatrix(this.rows, other.columns);
    }
    for (let row = 0; row < this.rows; row++) {
      const found = gatherNonZero(this.data[row]!, other.columns, this.#values, this.#offsets);
      sumRows(this.#product.data[row]!, this.#values, this.#offsets, found, other.flat);
    }
    return this.#product;
  }
}

/** Images per pass: 64 rows of 784 float64 pixels fit into a core's second-level cache. */
const TILE_IMAGES = 64;
/** Numbers of a tile: 64 images of 784 pixels. */
const TILE_NUMBERS = TILE_IMAGES * 784;

/** values (B,I) → values (B,O). The next call may reuse the buffer of the result. */
type Stage = (values: ZeroSkippingMatrix) => ZeroSkippingMatrix;

export function createMlMatrixEngine(layers: FoldedLayers): Engine {
  const stages = layers.map(stageOf);
  const { inputs } = layers[0]!;
  const { outputs, ends } = layers[layers.length - 1]!;
  const tileImages = isDense(layers) ? TILE_IMAGES : imagesPerTile(layers);
  const fullTile = new ZeroSkippingMatrix(tileImages, inputs);
  let lastTile = fullTile;

  /** Returns the input matrix for `count` images. The common remainder of batches keeps its own between calls. */
  function tileOf(count: number): ZeroSkippingMatrix {
    if (count === tileImages) return fullTile;
    if (lastTile.rows !== count) lastTile = new ZeroSkippingMatrix(count, inputs);
    return lastTile;
  }

  return {
    name: "ml-matrix",
    ends,
    forward(pixels, count, logits) {
      for (let start = 0; start < count; start += tileImages) {
        const tile = tileOf(Math.min(tileImages, count - start));
        for (let row = 0; row < tile.rows; row++) {
          const image = (start + row) * inputs;
          tile.data[row]!.set(pixels.subarray(image, image + inputs));
        }
        let values = tile;
        for (const stage of stages) values = stage(values);
        for (let row = 0; row < values.rows; row++) logits.set(values.data[row]!, (start + row) * outputs);
      }
    },
  };
}

/** As many images as their largest maps fit into a core's second-level cache: at least one. */
function imagesPerTile(layers: FoldedLayers): number {
  const widest = Math.max(...layers.flatMap(({ inputs, outputs }) => [inputs, outputs]));
  return Math.min(TILE_IMAGES, Math.max(1, Math.floor(TILE_NUMBERS / widest)));
}

function stageOf(layer: Layer): Stage {
  const activate = layer.activation === "identity" ? undefined : activateOf(layer);
  switch (layer.kind) {
    case "dense":
      return denseStage(layer, activate);
    case "conv2d": {
      const convolve = createConvolution(layer, activate);
      return rowsStage(layer.outputs, convolve);
    }
    case "max-pool":
    case "average-pool":
      return rowsStage(layer.outputs, (x, y) => {
        forwardPool2d(x, layer, y);
        if (activate !== undefined) activateRow(y, activate);
      });
    case "activation":
      return rowsStage(layer.outputs, (x, y) => {
        y.set(x);
        if (activate !== undefined) activateRow(y, activate);
      });
  }
}

function denseStage({ inputs, outputs, weights, biases }: DenseLayer, activate: Activate | undefined): Stage {
  const matrix = new ZeroSkippingMatrix(inputs, outputs, weights);
  return (values) => {
    const product = values.mmul(matrix);
    product.addRowVector(biases as unknown as number[]);
    if (activate !== undefined) apply(product, activate);
    return product;
  };
}

function apply(matrix: ZeroSkippingMatrix, activate: Activate): void {
  matrix.apply((row, column) => {
    matrix.set(row, column, activate(matrix.get(row, column), column));
  });
}

function activateRow(values: Float64Array, activate: Activate): void {
  for (let j = 0; j < values.length; j++) values[j] = activate(values[j]!, j);
}

/** A stage that takes each image by itself: x (I) → y (O). */
function rowsStage(outputs: number, forward: (x: Float64Array, y: Float64Array) => void): Stage {
  let out = new ZeroSkippingMatrix(1, outputs);
  return (values) => {
    if (out.rows !== values.rows) out = new ZeroSkippingMatrix(values.rows, outputs);
    for (let row = 0; row < values.rows; row++) forward(values.data[row]!, out.data[row]!);
    return out;
  };
}

/** Numbers of a matrix of patches: 256 KB. */
const PATCH_NUMBERS = 2 ** 15;

/**
 * Returns the convolution of one image: x (rows, columns, channels) → y (R,C,O). For a group of channels, im2col makes the
 * patches (places, taps · channels) of a tile of places; their product with the group's weights are its channels of y.
 * The sums run over the same order as the reference's, so they have the same bits.
 */
function createConvolution(layer: Conv2dLayer, activate: Activate | undefined) {
  const { input, output, kernel, groups, biases } = layer;
  const channels = input.channels / groups;
  const outputs = output.channels / groups;
  const taps = kernel[0] * kernel[1];
  const weights = Array.from({ length: groups }, (_, group) => groupWeights(layer, group));
  const places = output.rows * output.columns;
  const tile = Math.min(places, Math.max(1, Math.floor(PATCH_NUMBERS / (taps * channels))));
  const whole = new ZeroSkippingMatrix(tile, taps * channels);
  const rest = new ZeroSkippingMatrix(places % tile, taps * channels);
  const copyPatches = patchCopier(layer);
  return (x: Float64Array, y: Float64Array): void => {
    for (let group = 0; group < groups; group++) {
      for (let first = 0; first < places; first += tile) {
        const patches = first + tile <= places ? whole : rest;
        copyPatches(x, group * channels, first, patches);
        const product = patches.mmul(weights[group]!);
        for (let n = 0; n < product.rows; n++) {
          const to = (first + n) * output.channels + group * outputs;
          addBiases(product.data[n]!, biases, group * outputs, y, to);
        }
      }
    }
    if (activate !== undefined) activateRow(y, activate);
  };
}

/** y (O) from `to` = sums (O) + biases from `first`. */
function addBiases(
  sums: Float64Array,
  biases: Float64Array,
  first: number,
  y: Float64Array,
  to: number,
): void {
  for (let j = 0; j < sums.length; j++) y[to + j] = sums[j]! + biases[first + j]!;
}

/** (taps · channels of the group, outputs of the group). */
function groupWeights({ output, groups, weights }: Conv2dLayer, group: number): ZeroSkippingMatrix {
  const columns = output.channels / groups;
  const rows = weights.length / output.channels;
  if (groups === 1) return new ZeroSkippingMatrix(rows, columns, weights);
  const matrix = new ZeroSkippingMatrix(rows, columns);
  for (let row = 0; row < rows; row++) {
    const from = row * output.channels + group * columns;
    matrix.data[row]!.set(weights.subarray(from, from + columns));
  }
  return matrix;
}

/** im2col: copies the patches of a tile of places, from the channel `from` on; padding where they reach beyond the map. */
function patchCopier({
  input,
  output,
  kernel,
  stride,
  dilation,
  padding,
  groups,
  paddingValue,
}: Conv2dLayer) {
  const channels = input.channels / groups;
  // Neighbouring taps of a row lie side by side.
  const isDenseRow = dilation[1] === 1 && groups === 1;
  const row = kernel[1] * channels;
  return (x: Float64Array, from: number, first: number, patches: ZeroSkippingMatrix): void => {
    for (let n = 0; n < patches.rows; n++) {
      const place = first + n;
      const top = Math.floor(place / output.columns) * stride[0] - padding.top;
      const left = (place % output.columns) * stride[1] - padding.left;
      const patch = patches.data[n]!;
      for (let u = 0; u < kernel[0]; u++) {
        const r = top + u * dilation[0];
        const to = u * row;
        if (r < 0 || r >= input.rows) {
          patch.fill(paddingValue, to, to + row);
        } else if (isDenseRow && left >= 0 && left + kernel[1] <= input.columns) {
          copy(x, (r * input.columns + left) * channels, patch, to, row);
        } else {
          for (let v = 0; v < kernel[1]; v++) {
            const c = left + v * dilation[1];
            const start = to + v * channels;
            if (c < 0 || c >= input.columns) patch.fill(paddingValue, start, start + channels);
            else copy(x, (r * input.columns + c) * input.channels + from, patch, start, channels);
          }
        }
      }
    }
  };
}

/** For the few numbers of a patch's row a loop is faster than `set` with a view. */
function copy(from: Float64Array, at: number, to: Float64Array, start: number, count: number): void {
  for (let n = 0; n < count; n++) to[start + n] = from[at + n]!;
}
