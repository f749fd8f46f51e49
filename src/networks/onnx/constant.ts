/** Tensors of a graph that are the same for all images, as numbers with a shape, and the operators that move their axes. */
import { lazyArray } from "#src/files/formats/arrays.js";
import { attributeOf, type Node, type Tensor } from "./model.js";
import { DATA_TYPE } from "./proto.js";
import { numbersOf, sizeOfTensor } from "./tensor.js";

/** Elements in row-major order. */
export type Numbers = Float64Array;

/** A tensor that is the same for all images. */
export interface Constant {
  readonly shape: readonly number[];
  /** TensorProto.DataType. */
  readonly type: number;
  /** Row-major. NaN in a tensor of whole numbers is the number of images. */
  readonly data: Numbers;
}

const FLOATS: ReadonlySet<number> = new Set([
  DATA_TYPE.float32,
  DATA_TYPE.float64,
  DATA_TYPE.float16,
  DATA_TYPE.bfloat16,
]);

/** True for floating-point types. */
export function isFloat(type: number): boolean {
  return FLOATS.has(type);
}

/** Returns a tensor as a constant. Its numbers are decoded when they are read. @throws NetworkError as `numbersOf` */
export function constantFrom(path: string, tensor: Tensor): Constant {
  sizeOfTensor(path, tensor);
  const array = lazyArray(tensor.dimensions, () => numbersOf(path, tensor));
  return {
    shape: tensor.dimensions,
    type: tensor.type,
    get data() {
      return array.data;
    },
  };
}

/** Returns the constant of a name; undefined for tensors that depend on images. */
export type Known = (name: string) => Constant | undefined;
export function scalar(value: number, type: number): Constant {
  return { shape: [], type, data: Float64Array.of(value) };
}

/** Returns a list of numbers, by default of int64. */
export function list(values: readonly number[], type: number = DATA_TYPE.int64): Constant {
  return { shape: [values.length], type, data: Float64Array.from(values) };
}

/** Returns the whole numbers of an input, or of an attribute in older opsets; undefined if there is neither. */
export function integersAt(
  node: Node,
  name: string,
  input: Constant | undefined,
): readonly number[] | undefined {
  return input === undefined ? attributeOf(node, name)?.integers : Array.from(input.data);
}

/** Combines two arrays element by element. A single number is combined with every element. */
export function combined(
  a: Numbers,
  b: Numbers,
  combine: (x: number, y: number) => number,
): Numbers | undefined {
  const length = Math.max(a.length, b.length);
  if (![1, length].includes(a.length) || ![1, length].includes(b.length)) return undefined;
  return Float64Array.from({ length }, (_, n) =>
    combine(a[a.length === 1 ? 0 : n]!, b[b.length === 1 ? 0 : n]!),
  );
}

/** The same elements in another shape. Numbers stay undecoded. */
export function withShape(x: Constant, shape: readonly number[], type = x.type): Constant | undefined {
  if (product(shape) !== product(x.shape)) return undefined;
  return {
    shape,
    type,
    get data() {
      return x.data;
    },
  };
}

export function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}

export function isPermutation(axes: readonly number[], rank: number): boolean {
  return (
    axes.length === rank && new Set(axes).size === rank && axes.every((axis) => axis >= 0 && axis < rank)
  );
}

function reshaped(x: Constant, node: Node, constant: Known): Constant | undefined {
  const sizes = constant(node.inputs[1] ?? "")?.data;
  if (sizes === undefined) return undefined;
  const keepsZeros = (attributeOf(node, "allowzero")?.integer ?? 0) !== 0;
  const shape = Array.from(sizes, (size, axis) => (size === 0 && !keepsZeros ? (x.shape[axis] ?? 0) : size));
  const open = shape.indexOf(-1);
  if (open !== -1) shape[open] = product(x.shape) / -product(shape);
  return withShape(x, shape);
}

function flattened(x: Constant, node: Node): Constant | undefined {
  const axis = attributeOf(node, "axis")?.integer ?? 1;
  const at = axis < 0 ? axis + x.shape.length : axis;
  return withShape(x, [product(x.shape.slice(0, at)), product(x.shape.slice(at))]);
}

/** Returns the axes of a node, from 0 on; undefined if it names none. */
function axesOf(node: Node, constant: Known, rank: number): number[] | undefined {
  const axes = integersAt(node, "axes", constant(node.inputs[1] ?? ""));
  return axes?.map((axis) => (axis < 0 ? axis + rank : axis));
}

function squeezed(x: Constant, node: Node, constant: Known): Constant | undefined {
  const axes = axesOf(node, constant, x.shape.length);
  return withShape(
    x,
    x.shape.filter((size, axis) => (axes === undefined ? size !== 1 : !axes.includes(axis))),
  );
}

function unsqueezed(x: Constant, node: Node, constant: Known): Constant | undefined {
  const count = integersAt(node, "axes", constant(node.inputs[1] ?? ""))?.length ?? 0;
  const shape = [...x.shape];
  for (const axis of (axesOf(node, constant, shape.length + count) ?? []).sort((a, b) => a - b)) {
    shape.splice(axis, 0, 1);
  }
  return withShape(x, shape);
}

function transposed(x: Constant, node: Node): Constant | undefined {
  const { shape } = x;
  const axes = attributeOf(node, "perm")?.integers ?? shape.map((_, axis) => shape.length - 1 - axis);
  if (!isPermutation(axes, shape.length)) return undefined;
  const sizes = axes.map((axis) => shape[axis]!);
  const strides = axes.map((axis) => product(shape.slice(axis + 1)));
  const { data } = x;
  const moved = new Float64Array(data.length);
  const place = sizes.map(() => 0);
  let from = 0;
  for (let n = 0; n < moved.length; n++) {
    moved[n] = data[from]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      place[axis]! += 1;
      if (place[axis]! < sizes[axis]!) break;
      from -= strides[axis]! * sizes[axis]!;
      place[axis] = 0;
    }
  }
  return { ...x, shape: sizes, data: moved };
}

/** Joins lists: shapes are put together of their sizes. */
function concatenated(_: Constant, { inputs }: Node, constant: Known): Constant | undefined {
  const parts = inputs.flatMap((input) => constant(input) ?? []);
  if (parts.length < inputs.length || parts.some(({ shape }) => shape.length !== 1)) return undefined;
  return list(
    parts.flatMap(({ data }) => Array.from(data)),
    parts[0]?.type,
  );
}

/** Takes elements of a list. */
function gathered(x: Constant, { inputs }: Node, constant: Known): Constant | undefined {
  const indices = constant(inputs[1] ?? "");
  if (indices === undefined || x.shape.length !== 1 || indices.shape.length > 1) return undefined;
  const { data } = x;
  const taken = indices.data.map((index) => data[index < 0 ? index + data.length : index] ?? Number.NaN);
  const isKnown = indices.data.every((index) => index >= -data.length && index < data.length);
  return isKnown ? { shape: indices.shape, type: x.type, data: taken } : undefined;
}

/** Takes a part along one axis: inputs starts, ends, axes, steps. PyTorch's pads are turned around by a step of −1. */
function sliced(x: Constant, node: Node, constant: Known): Constant | undefined {
  const [, starts, ends, axes, steps] = node.inputs.map((input) => constant(input));
  const [start, ...moreStarts] = integersAt(node, "starts", starts) ?? [];
  const [end, ...moreEnds] = integersAt(node, "ends", ends) ?? [];
  const [axis = 0] = integersAt(node, "axes", axes) ?? [];
  const step = steps?.data[0] ?? 1;
  const at = axis < 0 ? axis + x.shape.length : axis;
  const size = x.shape[at];
  if (start === undefined || end === undefined || size === undefined || step === 0) return undefined;
  if (moreStarts.length > 0 || moreEnds.length > 0) return undefined;
  const bounded = (place: number) => {
    const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
    return Math.min(high, Math.max(low, place < 0 ? place + size : place));
  };
  const places: number[] = [];
  const last = bounded(end);
  for (let n = bounded(start); step > 0 ? n < last : n > last; n += step) places.push(n);
  const inner = product(x.shape.slice(at + 1));
  const outer = product(x.shape.slice(0, at));
  const { data } = x;
  const taken = new Float64Array(outer * places.length * inner);
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const place of places) {
      const from = (o * size + place) * inner;
      taken.set(data.subarray(from, from + inner), to);
      to += inner;
    }
  }
  return { shape: x.shape.map((one, n) => (n === at ? places.length : one)), type: x.type, data: taken };
}

/** Most numbers of a filled tensor: shapes and pads have a few. */
const MOST_FILLED = 64;

function filled(x: Constant, node: Node): Constant | undefined {
  const shape = Array.from(x.data);
  const count = product(shape);
  if (!shape.every((size) => size >= 0) || count > MOST_FILLED) return undefined;
  const value = attributeOf(node, "value")?.tensor;
  const number = value === undefined ? 0 : constantFrom("", value).data[0];
  const type = value?.type ?? DATA_TYPE.float32;
  return number === undefined ? undefined : { shape, type, data: new Float64Array(count).fill(number) };
}

export type Evaluate = (x: Constant, node: Node, constant: Known) => Constant | undefined;

export const MOVERS: readonly (readonly [operator: string, evaluate: Evaluate])[] = [
  ["Identity", (x) => x],
  ["Reshape", reshaped],
  ["Flatten", flattened],
  ["Squeeze", squeezed],
  ["Unsqueeze", unsqueezed],
  ["Transpose", transposed],
  ["Concat", concatenated],
  ["Gather", gathered],
  ["Slice", sliced],
  ["ConstantOfShape", filled],
];
