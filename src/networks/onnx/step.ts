/** A step of a chain with its constants, attributes and shapes, as the operators read them. */
import { shapeText } from "#src/base/errors/define.js";
import { NetworkError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { ONE } from "./axes.js";
import type { Step } from "./chain.js";
import { type Constant, integersAt, isFloat } from "./constant.js";
import { attributeOf } from "./model.js";
import { DATA_TYPE } from "./proto.js";
import type { Stream } from "./stream.js";

/** A constant of a step, with its place for messages. */
export interface Given extends Constant {
  /** Name of the tensor. */
  readonly name: string;
}

/** Returns a constant's numbers, if they are floats. @throws NetworkError ERR_ONNX_TENSOR */
export function floatsOf(stream: Stream, given: Given): Float64Array {
  return assertFloats(stream, given).data;
}

/** Returns the constant, whose numbers are decoded when they are read. @throws NetworkError ERR_ONNX_TENSOR */
export function assertFloats({ path }: Stream, given: Given): Given {
  if (isFloat(given.type)) return given;
  const expected = "float32, float64 or float16";
  const facts = { path, tensor: printable(given.name), expected, found: `type ${given.type}` };
  throw new NetworkError("ERR_ONNX_TENSOR", facts);
}

/** A step with the constants among its inputs, in order; undefined for the stream. */
export interface ReadStep extends Step {
  readonly constants: readonly (Given | undefined)[];
  /** True if no later step computes. */
  readonly isLast: boolean;
}

export type Apply = (stream: Stream, step: ReadStep) => void;

/** Returns the number of an attribute; zero for one without a value, which proto3 leaves out. */
export function numberOf({ node }: Step, name: string): number | undefined {
  const attribute = attributeOf(node, name);
  return attribute === undefined ? undefined : (attribute.integer ?? attribute.float ?? 0);
}

/** Returns a list of int64. @throws NetworkError ERR_ONNX_TENSOR */
export function sizesAt(stream: Stream, step: ReadStep, index: number): readonly number[] {
  const given = constantAt(stream, step, index);
  if (given.type === DATA_TYPE.int64 || given.type === DATA_TYPE.int32) return Array.from(given.data);
  const facts = { tensor: printable(given.name), expected: "int64", found: `type ${given.type}` };
  throw new NetworkError("ERR_ONNX_TENSOR", { path: stream.path, ...facts });
}

export function constantAt(stream: Stream, step: ReadStep, index: number): Given {
  const constant = step.constants[index];
  if (constant !== undefined) return constant;
  const found = index < step.constants.length ? "none" : "no such input";
  throw stream.fault(step, `a constant as input ${index + 1}`, found);
}

export function knownAxes(stream: Stream, step: Step): NonNullable<Stream["axes"]> {
  if (stream.axes !== undefined) return stream.axes;
  throw stream.fault(step, "an input of known sizes", stream.inputText());
}

/** Returns a node's axes, from 0 on; undefined if it names none. */
export function axesAt(stream: Stream, step: ReadStep, rank: number): number[] | undefined {
  const given = step.constants[1];
  if (given !== undefined) sizesAt(stream, step, 1);
  return integersAt(step.node, "axes", given)?.map((axis) => (axis < 0 ? axis + rank : axis));
}

/** Returns a constant that is one number, or one for each channel or unit. @throws NetworkError ERR_ONNX_NODE */
export function perChannel(stream: Stream, step: Step, constant: Given): Float64Array {
  const { shape } = constant;
  const numbers = floatsOf(stream, constant);
  const [first] = numbers;
  // A constant with more axes than the stream would give it as many.
  const rank = (stream.axes?.length ?? shape.length) + 1;
  const sizes = shape.length <= rank ? [...new Array<number>(rank - shape.length).fill(1), ...shape] : [];
  const isFitting = sizes.every(
    (size, at) => size === 1 || (at > 0 && size === (stream.axes?.[at - 1]?.size ?? size)),
  );
  const more = sizes.flatMap((size, at) => (size === 1 ? [] : [stream.axes?.[at - 1]?.role ?? "channels"]));
  if (first !== undefined && sizes.length > 0 && isFitting) {
    if (more.length === 0 || `${more}` === "channels") return numbers;
    if (numbers.every((value) => value === first)) return numbers.slice(0, 1);
  }
  throw stream.fault(step, `one number, or one per channel of ${stream.axesText()}`, shapeText(shape));
}

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
