/** Weights and pools in the order and the words of other formats, to read and to write them. */
import type { MapShape, Pool2dLayer } from "#src/base/contracts/network.js";
import { outputOf } from "./chain.js";

/** PyTorch's and ONNX's weights (outputs, inputs ÷ groups, rows, columns) in our order (rows, columns, inputs, outputs). */
export function convWeights(oihw: ArrayLike<number>, shape: readonly number[]): Float64Array {
  const [outputs = 0, inputs = 0, rows = 0, columns = 0] = shape;
  const weights = new Float64Array(outputs * inputs * rows * columns);
  let from = 0;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let at = 0; at < rows * columns; at++) {
        weights[(at * inputs + i) * outputs + o] = oihw[from++]!;
      }
    }
  }
  return weights;
}

/** Our weights (rows, columns, inputs, outputs) in the order of PyTorch and ONNX (outputs, inputs, rows, columns). */
export function outputsFirst(weights: Float64Array, inputs: number, outputs: number): Float64Array {
  const places = weights.length / inputs / outputs;
  const moved = new Float64Array(weights.length);
  for (let place = 0, from = 0; place < places; place++) {
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++) moved[(o * inputs + i) * places + place] = weights[from++]!;
    }
  }
  return moved;
}

/** (rows, columns, channels) × outputs → (channels, rows, columns) × outputs. */
export function channelsFirst(weights: Float64Array, map: MapShape, outputs: number): Float64Array {
  const places = map.rows * map.columns;
  if (places === 1 || map.channels === 1) return weights;
  const moved = new Float64Array(weights.length);
  for (let place = 0, from = 0; place < places; place++) {
    for (let c = 0; c < map.channels; c++, from += outputs) {
      moved.set(weights.subarray(from, from + outputs), (c * places + place) * outputs);
    }
  }
  return moved;
}

/** Whether a pool's last windows reach beyond the padding. */
export function isCeil({ input, kernel, stride, padding, output }: Pool2dLayer): boolean {
  const { channels } = input;
  const plain = outputOf({ input, kernel, stride, padding, channels, dilation: [1, 1] });
  return plain.rows !== output.rows || plain.columns !== output.columns;
}

/** True for a map of this shape; false for units. */
export function isSameMap(shape: MapShape | number, { rows, columns, channels }: MapShape): boolean {
  return (
    typeof shape === "object" &&
    shape.rows === rows &&
    shape.columns === columns &&
    shape.channels === channels
  );
}
