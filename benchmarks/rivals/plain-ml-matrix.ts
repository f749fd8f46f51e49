/** The rival: ml-matrix as its documentation uses it, batch by batch, on weights with the preprocessing folded in. */

import { Matrix } from "ml-matrix";
import { atLeast } from "#src/base/errors.js";
import type { DenseLayer } from "../../src/base/contracts/network.js";
import { activateOf } from "../../src/engines/activations.js";

/** pixels (count × I) u8 → logits (count × O) f64; matrices of weights are made once. */
export function createPlainMlMatrix(layers: readonly DenseLayer[]) {
  const stages = layers.map(({ inputs, outputs, weights, biases, activation }) => ({
    weights: Matrix.from1DArray(inputs, outputs, [...weights]),
    biases: [...biases],
    activation: activation === "identity" ? undefined : activateOf({ activation }),
  }));
  const [{ inputs }] = atLeast(layers, 1);
  const { outputs } = layers[layers.length - 1]!;
  return (pixels: Uint8Array, count: number, logits: Float64Array): void => {
    let values = new Matrix(count, inputs);
    for (let row = 0; row < count; row++) {
      for (let column = 0; column < inputs; column++) values.set(row, column, pixels[row * inputs + column]!);
    }
    for (const { weights, biases, activation } of stages) {
      const sums = values.mmul(weights).addRowVector(biases);
      if (activation !== undefined) {
        sums.apply((row, column) => {
          sums.set(row, column, activation(sums.get(row, column), column));
        });
      }
      values = sums;
    }
    for (let row = 0; row < count; row++) {
      for (let column = 0; column < outputs; column++)
        logits[row * outputs + column] = values.get(row, column);
    }
  };
}
