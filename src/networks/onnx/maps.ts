/** Operators of maps: convolutions, pools, normalizations, zeros around a map, and the order of axes. */
import type { MapShape, Padding, Pair } from "#src/base/contracts/network.js";
import { shapeText } from "#src/base/errors/define.js";
import { atLeast } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { outputOf } from "#src/networks/chain.js";
import { batchNormalization } from "#src/networks/normalization.js";
import { convWeights } from "#src/networks/weight-order.js";
import { ONE } from "./axes.js";
import { integersAt, isPermutation } from "./constant.js";
import { attributeOf } from "./model.js";
import {
  type Apply,
  assertFloats,
  axesAt,
  constantAt,
  floatsOf,
  knownAxes,
  numberOf,
  type ReadStep,
} from "./step.js";
import type { Stream } from "./stream.js";

const DEFAULT_EPSILON = Math.fround(1e-5);
const NO_PADS: readonly number[] = [0, 0, 0, 0];

export const MAP_OPERATORS: readonly (readonly [operator: string, apply: Apply])[] = [
  ["Conv", conv],
  ["MaxPool", (stream, step) => pool(stream, step, "max")],
  ["AveragePool", (stream, step) => pool(stream, step, "average")],
  ["GlobalMaxPool", (stream, step) => globalPool(stream, step, "max")],
  ["GlobalAveragePool", (stream, step) => globalPool(stream, step, "average")],
  ["ReduceMax", (stream, step) => reduce(stream, step, "max")],
  ["ReduceMean", (stream, step) => reduce(stream, step, "average")],
  ["BatchNormalization", normalization],
  ["Pad", pad],
  ["Transpose", transpose],
];

/** y (N,O,R,C) of x (N,I,R,C), w (O, I ÷ groups, kernel rows, kernel columns) and b (O), or none. */
function conv(stream: Stream, step: ReadStep): void {
  const weights = constantAt(stream, step, 1);
  const { shape } = weights;
  if (shape.length !== 4 || shape.includes(0)) {
    throw stream.fault(step, "weights (outputs, inputs, rows, columns)", shapeText(shape));
  }
  const [channels, inputs, rows, columns] = atLeast(shape, 4);
  const kernel: Pair = [rows, columns];
  const stated = attributeOf(step.node, "kernel_shape")?.integers;
  if (stated !== undefined && `${stated}` !== `${kernel}`) {
    throw stream.fault(step, `kernel_shape (${kernel.join(", ")})`, shapeText(stated));
  }
  // Zeros of a Pad before the convolution become its padding. Its own padding lies outside of them.
  const around = stream.padding;
  stream.padding = undefined;
  const input = stream.map(step);
  const { stride, dilation, padding } = windowOf(stream, step, padded(input, around), kernel);
  const whole = added(padding, around);
  const groups = numberOf(step, "group") ?? 1;
  if (!(groups > 0) || inputs * groups !== input.channels || channels % groups !== 0) {
    throw stream.fault(
      step,
      `weights of ${input.channels} input channels in ${groups} groups`,
      shapeText(shape),
    );
  }
  const given = step.constants.length > 2 ? constantAt(stream, step, 2) : undefined;
  if (given !== undefined && `${given.shape}` !== `${channels}`) {
    throw stream.fault(step, `biases (${channels},)`, shapeText(given.shape));
  }
  const oihw = assertFloats(stream, weights);
  const biases = given && assertFloats(stream, given);
  const output = checkedOutput(
    stream,
    step,
    outputOf({ input, kernel, stride, dilation, padding: whole, channels }),
  );
  stream.add(step, (builder) => {
    builder.reshape(step.name, input);
    builder.conv2d(step.name, {
      weights: convWeights(oihw.data, shape),
      ...{ channels, kernel, biases: biases?.data, stride, dilation, padding: whole, groups },
    });
  });
  stream.setMap(output);
}

function pool(stream: Stream, step: ReadStep, kind: "max" | "average"): void {
  const sizes = attributeOf(step.node, "kernel_shape")?.integers ?? [];
  if (sizes.length !== 2) throw stream.fault(step, "kernel_shape (rows, columns)", shapeText(sizes));
  const [rows, columns] = atLeast(sizes, 2);
  const kernel: Pair = [rows, columns];
  const before = stream.map(step);
  const countsPadding = kind === "average" && (numberOf(step, "count_include_pad") ?? 0) !== 0;
  const ceil = (numberOf(step, "ceil_mode") ?? 0) !== 0;
  const around = stream.padding;
  const input = padded(before, around);
  const { stride, dilation, padding } = windowOf(stream, step, input, kernel);
  if (`${dilation}` !== "1,1") throw stream.fault(step, "dilations (1, 1)", shapeText(dilation));
  const isPlain = Object.values(padding).every((size) => size === 0);
  // PyTorch writes an average that counts its padding as a Pad before it.
  const takesPad = around !== undefined && kind === "average" && isPlain && !ceil;
  if (takesPad) stream.padding = undefined;
  const facts = { kernel, stride, padding: takesPad ? added(padding, around) : padding, ceil };
  const output = checkedOutput(
    stream,
    step,
    outputOf({ input, kernel, stride, dilation, padding, channels: input.channels, ceil }),
  );
  stream.add(step, (builder) => {
    builder.reshape(step.name, takesPad ? before : input);
    builder.pool2d(step.name, kind, { ...facts, countsPadding: countsPadding || takesPad });
  });
  stream.setMap(output);
}

function checkedOutput(stream: Stream, step: ReadStep, output: MapShape): MapShape {
  if (output.rows > 0 && output.columns > 0) return output;
  throw stream.fault(step, "windows that fit into the map", stream.axesText());
}

interface Window {
  readonly stride: Pair;
  readonly dilation: Pair;
  readonly padding: Padding;
}

/** Reads strides, dilations, and pads or auto_pad. */
function windowOf(stream: Stream, step: ReadStep, input: MapShape, kernel: Pair): Window {
  const pair = (name: string): Pair => {
    const sizes = attributeOf(step.node, name)?.integers ?? [1, 1];
    if (sizes.length !== 2 || !sizes.every((size) => size > 0)) {
      throw stream.fault(step, `${name} (rows, columns)`, shapeText(sizes));
    }
    const [rows, columns] = atLeast(sizes, 2);
    return [rows, columns];
  };
  const [stride, dilation] = [pair("strides"), pair("dilations")];
  const auto = attributeOf(step.node, "auto_pad")?.text ?? "NOTSET";
  if (auto === "SAME_UPPER" || auto === "SAME_LOWER") {
    const isLower = auto === "SAME_LOWER";
    const [top, bottom] = sameSide(input.rows, kernel[0], stride[0], dilation[0], isLower);
    const [left, right] = sameSide(input.columns, kernel[1], stride[1], dilation[1], isLower);
    return { stride, dilation, padding: { top, left, bottom, right } };
  }
  if (auto !== "NOTSET" && auto !== "VALID") {
    throw stream.fault(step, "auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER", printable(auto));
  }
  const pads = auto === "VALID" ? NO_PADS : (attributeOf(step.node, "pads")?.integers ?? NO_PADS);
  if (pads.length !== 4 || !pads.every((size) => size >= 0)) {
    throw stream.fault(step, "pads (top, left, bottom, right) of 0 or more", shapeText(pads));
  }
  const [top, left, bottom, right] = atLeast(pads, 4);
  return { stride, dilation, padding: { top, left, bottom, right } };
}

/** Padding before and after, for an output of ⌈size ÷ stride⌉. An odd one is after the map, or before it if `isLower`. */
function sameSide(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  isLower: boolean,
): readonly [before: number, after: number] {
  const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size);
  const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
  return isLower ? [more, less] : [less, more];
}

function padded(map: MapShape, around: Stream["padding"]): MapShape {
  if (around === undefined) return map;
  const [top, left, bottom, right] = around;
  return { ...map, rows: map.rows + top + bottom, columns: map.columns + left + right };
}

function added({ top, left, bottom, right }: Padding, around: Stream["padding"]): Padding {
  const [above = 0, before = 0, below = 0, after = 0] = around ?? [];
  return { top: top + above, left: left + before, bottom: bottom + below, right: right + after };
}

function globalPool(stream: Stream, step: ReadStep, kind: "max" | "average"): void {
  const map = padded(stream.map(step), stream.padding);
  stream.add(step, (builder) => {
    builder.reshape(step.name, map);
    builder.globalPool(step.name, kind);
  });
  stream.setMap({ ...map, rows: 1, columns: 1 });
}

/** A mean or the largest over all rows and columns, as TensorFlow's exporters write a global pool. */
function reduce(stream: Stream, step: ReadStep, kind: "max" | "average"): void {
  const axes = knownAxes(stream, step);
  const named = axesAt(stream, step, axes.length + 1) ?? [];
  const isPlace = ({ size, role }: { size: number; role: string }) => size > 1 && role !== "channels";
  const isRead = (at: number) => named.includes(at + 1);
  const isGlobal =
    !named.includes(0) && axes.every((axis, at) => axis.size === 1 || isPlace(axis) === isRead(at));
  if (!isGlobal || !axes.some(isPlace)) {
    throw stream.fault(step, "all rows and columns as axes", named.join(", ") || "none");
  }
  stream.add(step, (builder) => builder.globalPool(step.name, kind));
  const keeps = (numberOf(step, "keepdims") ?? 1) !== 0;
  stream.axes = axes.flatMap((axis, at) => (isRead(at) ? (keeps ? [ONE] : []) : [axis]));
}

/** (x − mean) ÷ √(variance + ε) · scale + shift per channel: inputs scale, shift, mean, variance (C). */
function normalization(stream: Stream, step: ReadStep): void {
  for (const [name, expected] of [
    ["training_mode", 0],
    ["spatial", 1],
  ] as const) {
    const found = numberOf(step, name) ?? expected;
    if (found !== expected) throw stream.fault(step, `${name} = ${expected}`, `${found}`);
  }
  const [channels] = stream.axes ?? [];
  const [gamma, beta, mean, variance] = atLeast(
    [1, 2, 3, 4].map((index) => {
      const given = constantAt(stream, step, index);
      const isFitting =
        given.shape.length === 1 && (channels === undefined || given.shape[0] === channels.size);
      if (!isFitting || (channels !== undefined && channels.size > 1 && channels.role !== "channels")) {
        throw stream.fault(step, `numbers of the channels of ${stream.axesText()}`, shapeText(given.shape));
      }
      return floatsOf(stream, given);
    }),
    4,
  );
  const epsilon = numberOf(step, "epsilon") ?? DEFAULT_EPSILON;
  const { scale, shift } = batchNormalization({ gamma, beta, mean, variance, epsilon });
  stream.normalize(step, scale, shift);
}

/** Zeros around a map: pads (begin of each axis, then end of each) as input 2, before opset 11 as attribute. */
function pad(stream: Stream, step: ReadStep): void {
  const axes = knownAxes(stream, step);
  const mode = attributeOf(step.node, "mode")?.text ?? "constant";
  const value = step.constants[2]?.data[0] ?? numberOf(step, "value") ?? 0;
  const sizes = integersAt(step.node, "pads", step.constants[1]) ?? [];
  const named = step.constants[3]?.data ?? Float64Array.from({ length: axes.length + 1 }, (_, axis) => axis);
  const around = [0, 0, 0, 0];
  let isRead = mode === "constant" && value === 0 && sizes.length === 2 * named.length;
  for (const [n, size] of sizes.entries()) {
    if (size === 0) continue;
    const axis = named[n % named.length] ?? 0;
    const role = axes[(axis < 0 ? axis + axes.length + 1 : axis) - 1];
    const isPlace = role !== undefined && role.size > 1 && role.role !== "channels" && size > 0;
    if (!isPlace) isRead = false;
    else around[(role.role === "rows" ? 0 : 1) + (n < named.length ? 0 : 2)] = size;
  }
  if (!isRead)
    throw stream.fault(
      step,
      "a constant padding of zeros around rows and columns",
      `${printable(mode)} ${shapeText(sizes)} of ${value}`,
    );
  if (around.every((size) => size === 0)) return;
  const { top, left, bottom, right } = added(
    { top: around[0]!, left: around[1]!, bottom: around[2]!, right: around[3]! },
    stream.padding,
  );
  stream.padding = [top, left, bottom, right];
}

/** Reorders the axes of each image: maps to channels last and back. */
function transpose(stream: Stream, step: ReadStep): void {
  const axes = knownAxes(stream, step);
  const order = attributeOf(step.node, "perm")?.integers ?? [0, ...axes.map((_, at) => at + 1)].reverse();
  if (!isPermutation(order, axes.length + 1) || order[0] !== 0) {
    throw stream.fault(step, "an order of axes that begins with 0", shapeText(order));
  }
  stream.axes = order.slice(1).flatMap((axis) => axes[axis - 1] ?? []);
}
