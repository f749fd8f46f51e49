/** Sizes of the windows of convolutions and pools. */
import type { MapShape, Padding, Pair } from "#src/base/contracts/network.js";

/** Numbers of a map, or of a list of units. */
export function sizeOf(shape: MapShape | number): number {
  return typeof shape === "object" ? shape.rows * shape.columns * shape.channels : shape;
}

interface Window {
  readonly input: MapShape;
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
  /** Channels of the output. */
  readonly channels: number;
  /** Whether a last window may reach beyond the padding, if it begins within it. Default false. */
  readonly ceil?: boolean;
}

/** Size of the output. A side is 0 or less if no window fits. */
export function outputOf({ input, kernel, stride, dilation, padding, channels, ceil }: Window): MapShape {
  const side = (size: number, before: number, after: number, axis: 0 | 1): number => {
    const reach = (kernel[axis] - 1) * dilation[axis] + 1;
    const steps = (size + before + after - reach) / stride[axis];
    if (!(kernel[axis] > 0 && stride[axis] > 0 && dilation[axis] > 0 && before >= 0 && after >= 0)) return 0;
    if (ceil !== true) return Math.floor(steps) + 1;
    const count = Math.ceil(steps) + 1;
    // PyTorch's rule: the last window begins within the input or the padding before it.
    return (count - 1) * stride[axis] >= size + before ? count - 1 : count;
  };
  return {
    rows: side(input.rows, padding.top, padding.bottom, 0),
    columns: side(input.columns, padding.left, padding.right, 1),
    channels,
  };
}

/** TensorFlow's padding `same`: the output has ⌈size ÷ stride⌉ rows and columns; an odd rest goes to the end. */
export function samePadding(input: MapShape, kernel: Pair, stride: Pair, dilation: Pair): Padding {
  const total = (size: number, axis: 0 | 1) => {
    const reach = (kernel[axis] - 1) * dilation[axis] + 1;
    return Math.max(0, (Math.ceil(size / stride[axis]) - 1) * stride[axis] + reach - size);
  };
  const [rows, columns] = [total(input.rows, 0), total(input.columns, 1)];
  const [top, left] = [Math.floor(rows / 2), Math.floor(columns / 2)];
  return { top, left, bottom: rows - top, right: columns - left };
}

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
