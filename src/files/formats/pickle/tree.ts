/** Dicts, lists and tuples of a pickle as a tree of arrays. Shared and circular values are read within a budget. */

import { NetworkError } from "#src/base/errors.js";
import { isMap } from "#src/base/realm.js";
import type { ArrayTree } from "#src/files/formats/array-tree.js";
import type { NamedArray } from "#src/files/formats/arrays.js";
import { EncodedText, PickledArray, PickledList, PickledTuple, type PickledValue } from "./values.js";

/** Most values that are looked at. Values that refer to each other are looked at once for each reference. */
const MAX_VALUES = 2 ** 18;
const MAX_DEPTH = 10;
/** NumPy's type of Python objects: an array of arrays, whose shapes differ. */
const OBJECTS = /^O\d*$/;

/** Decodes an array; the name is for messages. */
export interface PickledArrays {
  decode(name: string, value: PickledArray): NamedArray;
}

/** @throws NetworkError ERR_PICKLE_LIMIT, and what `arrays` throws */
export function pickledTree(path: string, value: PickledValue, arrays: PickledArrays): ArrayTree {
  let left = MAX_VALUES;
  const spend = (count: number) => {
    left -= count;
    if (left < 0) throw new NetworkError("ERR_PICKLE_LIMIT", { path, what: "values", limit: MAX_VALUES });
  };
  const read = (one: PickledValue, name: string, depth: number): ArrayTree => {
    spend(1);
    if (depth > MAX_DEPTH) return { kind: "other" };
    const inner = (key: string | number) => (name === "" ? `${key}` : `${name}.${key}`);
    const list = (items: readonly PickledValue[]): ArrayTree => {
      if (items.length > 0 && items.every((item) => typeof item === "number")) {
        spend(items.length);
        return { kind: "array", array: numbers(items), isNested: true };
      }
      return stacked(items.map((item, index) => read(item, inner(index), depth + 1)));
    };
    if (typeof one === "number") return { kind: "array", array: { shape: [], data: Float64Array.of(one) } };
    if (typeof one === "string") return { kind: "text", text: one };
    if (one instanceof PickledList || one instanceof PickledTuple) return list(one.items);
    if (one instanceof PickledArray) {
      const objects = one.state?.payload;
      if (OBJECTS.test(one.state?.dtype.name ?? "") && objects instanceof PickledList) {
        const [only] = objects.items;
        if (one.state?.shape.length === 0 && only !== undefined) return read(only, name, depth + 1);
        return list(objects.items);
      }
      return { kind: "array", array: arrays.decode(name, one) };
    }
    if (!isMap(one) || one instanceof EncodedText) return { kind: "other" };
    const entries = new Map<string, ArrayTree>();
    for (const [key, item] of one) entries.set(key, read(item, inner(key), depth + 1));
    return { kind: "dict", entries };
  };
  return read(value, "", 0);
}

/** Positive whole numbers are sizes or counts: trained weights have fractions. */
export function numbers(values: readonly number[]): NamedArray {
  const array = { shape: [values.length], data: Float64Array.from(values) };
  return values.every((value) => Number.isInteger(value) && value > 0) ? { ...array, isWhole: true } : array;
}

/** Nested lists of numbers with equal shapes are one array. */
function stacked(items: readonly ArrayTree[]): ArrayTree {
  const nested = items.flatMap((item) =>
    item.kind === "array" && item.isNested === true ? [item.array] : [],
  );
  const [first] = nested;
  const isEven =
    first !== undefined &&
    nested.length === items.length &&
    nested.every(({ shape }) => `${shape}` === `${first.shape}`);
  if (!isEven) return { kind: "list", items };
  const length = first.data.length;
  const data = new Float64Array(length * nested.length);
  for (const [index, array] of nested.entries()) data.set(array.data, index * length);
  return { kind: "array", array: { shape: [items.length, ...first.shape], data }, isNested: true };
}
