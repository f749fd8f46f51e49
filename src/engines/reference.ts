/** The oracle: plain loops in float64, against which every other engine is tested. */
import type { Engine, FoldedLayers } from "#src/base/contracts/engine.js";
import type { Conv2dLayer, DenseLayer, Layer, Pool2dLayer } from "#src/base/contracts/network.js";
import { activateOf } from "./activations.js";

export function createReferenceEngine(layers: FoldedLayers): Engine {
  const { inputs } = layers[0]!;
  const { outputs, ends } = layers[layers.length - 1]!;
  return {
    name: "reference",
    ends,
    forward(pixels, count, logits) {
      for (let image = 0; image < count; image++) {
        const row = pixels.subarray(image * inputs, (image + 1) * inputs);
        logits.set(forwardRow(layers, row), image * outputs);
      }
    },
  };
}

/** x (I) → logits (O), f64. Each sum starts at +0 and runs over ascending inputs; then the bias is added. */
export function forwardRow(layers: readonly Layer[], x: ArrayLike<number>): ArrayLike<number> {
  return layers.reduce(forwardLayer, x);
}

/** x (I) → activation(y (O)), f64. */
function forwardLayer(x: ArrayLike<number>, layer: Layer): Float64Array {
  const y = new Float64Array(layer.outputs);
  switch (layer.kind) {
    case "dense":
      forwardDense(x, layer, y);
      break;
    case "conv2d":
      forwardConv2d(x, layer, y);
      break;
    case "max-pool":
    case "average-pool":
      forwardPool2d(x, layer, y);
      break;
    case "activation":
      y.set(x);
  }
  const activate = activateOf(layer);
  for (let j = 0; j < y.length; j++) y[j] = activate(y[j]!, j);
  return y;
}

/** y (O) = x (I) · weights (I,O) + biases (O). */
function forwardDense(
  x: ArrayLike<number>,
  { inputs, outputs, weights, biases }: DenseLayer,
  y: Float64Array,
): void {
  for (let k = 0; k < inputs; k++) {
    const value = x[k]!;
    // Adding 0 · w = ±0 to a sum that began at +0 leaves its bits as they are.
    if (value === 0) continue;
    for (let j = 0, at = k * outputs; j < outputs; j++, at++) y[j]! += value * weights[at]!;
  }
  for (let j = 0; j < outputs; j++) y[j]! += biases[j]!;
}

/** y (R,C,O) = the sums of the windows over x (rows, columns, channels), padded with `paddingValue`, plus biases (O). */
function forwardConv2d(x: ArrayLike<number>, layer: Conv2dLayer, y: Float64Array): void {
  const { input, output, kernel, stride, dilation, padding, groups, weights, biases } = layer;
  const groupInputs = input.channels / groups;
  const groupOutputs = output.channels / groups;
  for (let place = 0; place < output.rows * output.columns; place++) {
    const top = Math.floor(place / output.columns) * stride[0] - padding.top;
    const left = (place % output.columns) * stride[1] - padding.left;
    const to = place * output.channels;
    for (let tap = 0; tap < kernel[0] * kernel[1]; tap++) {
      const row = top + Math.floor(tap / kernel[1]) * dilation[0];
      const column = left + (tap % kernel[1]) * dilation[1];
      const isWithin = row >= 0 && row < input.rows && column >= 0 && column < input.columns;
      const from = (row * input.columns + column) * input.channels;
      for (let channel = 0; channel < input.channels; channel++) {
        const value = isWithin ? x[from + channel]! : layer.paddingValue;
        if (value === 0) continue;
        const first = Math.floor(channel / groupInputs) * groupOutputs;
        const at = (tap * groupInputs + (channel % groupInputs)) * output.channels + first;
        for (let j = 0; j < groupOutputs; j++) y[to + first + j]! += value * weights[at + j]!;
      }
    }
    for (let j = 0; j < output.channels; j++) y[to + j]! += biases[j]!;
  }
}

/** y (R,C,O) = the largest or the average of each window over x (rows, columns, O). NaN wins. */
export function forwardPool2d(x: ArrayLike<number>, layer: Pool2dLayer, y: Float64Array): void {
  const { kind, input, output, kernel, stride, padding, countsPadding } = layer;
  const { channels } = output;
  for (let place = 0; place < output.rows * output.columns; place++) {
    const top = Math.floor(place / output.columns) * stride[0] - padding.top;
    const left = (place % output.columns) * stride[1] - padding.left;
    const bottom = Math.min(top + kernel[0], input.rows + padding.bottom);
    const right = Math.min(left + kernel[1], input.columns + padding.right);
    const rows = [Math.max(top, 0), Math.min(bottom, input.rows)] as const;
    const columns = [Math.max(left, 0), Math.min(right, input.columns)] as const;
    const counted = countsPadding
      ? (bottom - top) * (right - left)
      : (rows[1] - rows[0]) * (columns[1] - columns[0]);
    for (let channel = 0; channel < channels; channel++) {
      let pooled = kind === "max-pool" ? Number.NEGATIVE_INFINITY : 0;
      for (let row = rows[0]; row < rows[1]; row++) {
        for (let column = columns[0]; column < columns[1]; column++) {
          const value = x[(row * input.columns + column) * channels + channel]!;
          pooled = kind === "max-pool" ? Math.max(pooled, value) : pooled + value;
        }
      }
      y[place * channels + channel] = kind === "max-pool" ? pooled : pooled / counted;
    }
  }
}
