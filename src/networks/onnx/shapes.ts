/** Operators that change only the shape of the stream. */

import { integersAt } from "./constant.js";
import { type Apply, axesAt, knownAxes, numberOf, type ReadStep, sizesAt } from "./step.js";
import { ONE, type Stream } from "./stream.js";

export const SHAPE_OPERATORS: readonly (readonly [operator: string, apply: Apply])[] = [
  ["Flatten", flatten],
  ["Reshape", reshape],
  ["Squeeze", squeeze],
  ["Unsqueeze", unsqueeze],
];

function flatten(stream: Stream, step: ReadStep): void {
  const axis = numberOf(step, "axis") ?? 1;
  const isFirst = axis === 1 || (stream.axes !== undefined && axis === -stream.axes.length);
  if (!isFirst) throw stream.fault(step, "axis = 1", `${axis}`);
  if (stream.size === undefined) stream.isFlattened = true;
  else stream.reshape(step, [stream.size]);
}

/** Reshape to (−1, …sizes), (0, …sizes) or (N, …sizes): the images stay. One of the sizes may be open. */
function reshape(stream: Stream, step: ReadStep): void {
  const shape = sizesAt(stream, step, 1);
  const [images = 0, ...rest] = shape;
  stream.settlePadding(step);
  // With allowzero, which PyTorch 2.9 always writes, a 0 is not the size of the input's dimension.
  const keepsZeros = (numberOf(step, "allowzero") ?? 0) !== 0;
  const sizes = rest.map((size, at) => (size === 0 && !keepsZeros ? (stream.axes?.[at]?.size ?? 0) : size));
  const isBatch =
    images === -1 || Number.isNaN(images) || (images === 0 && !keepsZeros) || images === (stream.batch ?? 1);
  const open = sizes.indexOf(-1);
  const known = sizes.filter((_, at) => at !== open);
  const canBeRead =
    isBatch && sizes.length > 0 && known.every((size) => size > 0) && !(images === -1 && open !== -1);
  if (!canBeRead) {
    const found = `(${shape.map((size) => (Number.isNaN(size) ? "N" : size)).join(", ")})`;
    throw stream.fault(step, "a shape (-1, inputs), which only flattens", found);
  }
  if (open === -1) {
    stream.reshape(step, sizes);
    return;
  }
  if (stream.size !== undefined) {
    const rest = stream.size / known.reduce((product, size) => product * size, 1);
    stream.reshape(
      step,
      sizes.map((size) => (size === -1 ? rest : size)),
    );
    return;
  }
  if (sizes.length > 1) throw stream.fault(step, "an input of known sizes", stream.inputText());
  stream.isFlattened = true;
}

function squeeze(stream: Stream, step: ReadStep): void {
  const axes = knownAxes(stream, step);
  const named = axesAt(stream, step, axes.length + 1);
  if (named === undefined || named.some((axis) => axes[axis - 1]?.size !== 1)) {
    throw stream.fault(step, "axes of size 1, and not the first", named?.join(", ") ?? "no axes");
  }
  stream.axes = axes.filter((_, at) => !named.includes(at + 1));
}

function unsqueeze(stream: Stream, step: ReadStep): void {
  const axes = [...knownAxes(stream, step)];
  const count = integersAt(step.node, "axes", step.constants[1])?.length ?? 0;
  for (const axis of (axesAt(stream, step, axes.length + 1 + count) ?? []).sort((a, b) => a - b)) {
    if (!(axis > 0 && axis <= axes.length + 1))
      throw stream.fault(step, "new axes after the first", `${axis}`);
    axes.splice(axis - 1, 0, ONE);
  }
  stream.axes = axes;
}
