/** The default engine: ml-matrix's float64 matrices, driven as fast as they go. */
import type { Engine, FoldedLayers } from "#src/base/contracts/engine.js";
import { ACTIVATE } from "./activate.js";
import { ZeroSkippingMatrix } from "./zero-skipping-matrix.js";

/** Images a pass: 64 rows of 784 float64 pixels stay in a core's second-level cache. */
const TILE_IMAGES = 64;

export function createMlMatrixEngine(layers: FoldedLayers): Engine {
  const stages = layers.map(({ inputs, outputs, weights, biases, activation }) => ({
    weights: new ZeroSkippingMatrix(inputs, outputs, weights),
    biases,
    activation: activation === "identity" ? undefined : ACTIVATE[activation],
  }));
  const { inputs } = layers[0];
  const { outputs } = layers[layers.length - 1];
  const fullTile = new ZeroSkippingMatrix(TILE_IMAGES, inputs);
  let lastTile = fullTile;

  /** The input matrix for so many images; the batches' common remainder keeps its own between calls. */
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
          tile.data[row].set(pixels.subarray(image, image + inputs));
        }
        let values = tile;
        for (const { weights, biases, activation } of stages) {
          values = values.mmul(weights);
          values.addRowVector(biases as unknown as number[]);
          if (activation !== undefined) apply(values, activation);
        }
        for (let row = 0; row < values.rows; row++) logits.set(values.data[row], (start + row) * outputs);
      }
    },
  };
}

function apply(matrix: ZeroSkippingMatrix, activation: (x: number) => number): void {
  matrix.apply((row, column) => {
    matrix.set(row, column, activation(matrix.get(row, column)));
  });
}
