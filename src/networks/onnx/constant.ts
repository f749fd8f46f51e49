/** Tensors of a graph that are the same for all images, as numbers with a shape. */

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
