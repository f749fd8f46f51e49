/** A worker of plain-pool.mjs. */
import { workerData } from "node:worker_threads";
import { Matrix } from "ml-matrix";

const layers = workerData.map(({ weights, biases }) => ({ weights: new Matrix(weights), biases }));
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

export default function predict({ images, inputs }) {
  let values = Matrix.from1DArray(images.length / inputs, inputs, images);
  for (const [n, { weights, biases }] of layers.entries()) {
    values = values.mmul(weights).addRowVector(biases);
    if (n < layers.length - 1)
      values.apply((row, column) => values.set(row, column, sigmoid(values.get(row, column))));
  }
  return Uint8Array.from({ length: values.rows }, (_, row) => values.maxRowIndex(row)[1]);
}
