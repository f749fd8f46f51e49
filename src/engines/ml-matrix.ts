/** The default engine: ml-matrix's float64 matrices, with a product that skips zeros. */

import { Matrix } from "ml-matrix";
import type { Engine, FoldedLayers } from "#src/base/contracts/network.js";
import { ACTIVATE, gatherNonZero, sumRows } from "./float64.js";

/** Images per pass: 64 rows of 784 float64 pixels fit into a core's second-level cache. */
const TILE_IMAGES = 64;

export function createMlMatrixEngine(layers: FoldedLayers): Engine {
  const stages = layers.map(({ inputs, outputs, weights, biases, activation }) => ({
    weights: new ZeroSkippingMatrix(inputs, outputs, weights),
    biases,
    activation: activation === "identity" ? undefined : ACTIVATE[activation],
  }));
  const { inputs } = layers[0]!;
  const { outputs } = layers[layers.length - 1]!;
  const fullTile = new ZeroSkippingMatrix(TILE_IMAGES, inputs);
  let lastTile = fullTile;

  /** Returns the input matrix for `count` images. The common remainder of batches keeps its own between calls. */
  function tileOf(count: number): ZeroSkippingMatrix {
    if (count === TILE_IMAGES) return fullTile;
    if (lastTile.rows !== count) lastTile = new ZeroSkippingMatrix(count, inputs);
    return lastTile;
  }

  return {
    name: "ml-matrix",
    forward(pixels, count, logits) {
      for (let start = 0; start < count; start += TILE_IMAGES) {
        const tile = tileOf(Math.min(TILE_IMAGES, count - start));
        for (let row = 0; row < tile.rows; row++) {
          const image = (start + row) * inputs;
          tile.data[row]!.set(pixels.subarray(image, image + inputs));
        }
        let values = tile;
        for (const { weights, biases, activation } of stages) {
          values = values.mmul(weights);
          values.addRowVector(biases as unknown as number[]);
          if (activation !== undefined) apply(values, activation);
        }
        for (let row = 0; row < values.rows; row++) logits.set(values.data[row]!, (start + row) * outputs);
      }
    },
  };
}

function apply(matrix: ZeroSkippingMatrix, activation: (x: number) => number): void {
  matrix.apply((row, column) => {
    matrix.set(row, column, activation(matrix.get(row, column)));
  });
}

/** ml-matrix's Matrix with a product that skips zeros. Storage and the other methods are the library's. */
export class ZeroSkippingMatrix extends Matrix {
  /** Rows, as ml-matrix keeps them; its type declarations omit the field. */
  declare readonly data: Float64Array[];
  /** All elements, row-major; the rows are views of them. */
  readonly #flat: Float64Array;
  #product: ZeroSkippingMatrix | undefined;
  // Elements of one row that are not zero, and the offsets of their rows in the other matrix.
  readonly #values: Float64Array;
  readonly #offsets: Int32Array;

  constructor(rows: number, columns: number, flat: Float64Array = new Float64Array(rows * columns)) {
    super(rows, columns);
    for (let row = 0; row < rows; row++) this.data[row] = flat.subarray(row * columns, (row + 1) * columns);
    this.#flat = flat;
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
      sumRows(this.#product.data[row]!, this.#values, this.#offsets, found, other.#flat);
    }
    return this.#product;
  }
}
