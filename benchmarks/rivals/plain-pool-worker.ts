/** A worker of the plain pool: one batch a task. */

import { workerData } from "node:worker_threads";
import { atLeast } from "#src/base/errors.js";
import type { DenseLayer } from "../../src/base/contracts/network.js";
import { classesOf } from "../subject.js";
import { createPlainMlMatrix } from "./plain-ml-matrix.js";

export interface PlainTask {
  readonly buffer: SharedArrayBuffer;
  readonly offset: number;
  readonly count: number;
}

const layers = workerData as readonly DenseLayer[];
const [{ inputs }] = atLeast(layers, 1);
const { outputs } = layers[layers.length - 1]!;
const forward = createPlainMlMatrix(layers);

export default function run({ buffer, offset, count }: PlainTask): Uint16Array {
  const logits = new Float64Array(count * outputs);
  forward(new Uint8Array(buffer, offset, count * inputs), count, logits);
  return classesOf(logits, outputs, new Uint16Array(count));
}
