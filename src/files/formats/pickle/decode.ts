/** Decodes a pickle of dicts and lists of NumPy arrays, as `pickle.dump({"W1": …}, file)` writes it, to named arrays. */
import { finished, type Steps } from "#src/base/abort.js";
import { shapeText } from "#src/base/errors/define.js";
import { NetworkError } from "#src/base/errors.js";
import { isMap, isUint8Array } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { type ArrayTree, type NamedContent, namedContent } from "#src/files/formats/array-tree.js";
import {
  checkedElements,
  decodeWhole,
  ELEMENT_BYTES,
  type ElementType,
  MAX_WHOLE,
  type NamedArray,
  storedArray,
} from "#src/files/formats/arrays.js";
import { runPickleInSteps } from "./machine.js";
import { ByteReader } from "./reader.js";
import {
  type ArrayState,
  EncodedText,
  kindOf,
  PickledArray,
  PickledList,
  PickledTuple,
  type PickledValue,
} from "./values.js";

const DTYPES: ReadonlyMap<string, ElementType> = new Map([
  ["f2", "float16"],
  ["f4", "float32"],
  ["f8", "float64"],
]);
/** NumPy's f4 and f8 count bytes: f16 is not float16. */
const LONG_DOUBLE = /^f(12|16)$/;
const DTYPES_TEXT = [...DTYPES.values()].join(", ");

/**
 * Returns the arrays of a pickle, protocols 0 to 5, by NumPy 1 or 2, Python 2 or 3: row-major float64, for every order and
 * dtype (float16, float32, float64; either byte order). Dicts, lists and tuples may be nested; their keys and indices are
 * the arrays' names: `weights.0`. No code of the pickle is run: see values.ts.
 *
 * Keys that name one array share its data. `path` is for messages.
 *
 * @throws NetworkError ERR_PICKLE_*, ERR_NETWORK_FORMAT, ERR_ARRAY_DTYPE, ERR_ARRAY_LAYOUT, ERR_WEIGHTS_SIZE.
 */
export function decodePickle(path: string, bytes: Uint8Array): NamedContent {
  return finished(pickleInSteps(path, bytes));
}

/** `decodePickle` in steps. */
export function* pickleInSteps(path: string, bytes: Uint8Array): Steps<NamedContent> {
  const value = yield* runPickleInSteps(new ByteReader(path, bytes));
  const tree = pickledTree(path, value, new ArrayDecoder(path, bytes.length));
  const refuse = (expected: string, found: string): never => {
    throw new NetworkError("ERR_NETWORK_FORMAT", { path, expected, found });
  };
  const content = namedContent(tree, refuse);
  if (tree.kind === "dict" || tree.kind === "list") return content;
  return refuse("a pickle of a dict or a list of NumPy arrays", `one of ${kindOf(value)}`);
}

export class ArrayDecoder {
  readonly #path: string;
  readonly #fileBytes: number;
  /**
   * Bytes of elements that may still be decoded. Arrays of a pickle can share their data, and so claim many times the bytes of
   * the file. NumPy never writes that.
   */
  #budgetBytes: number;
  readonly #decoded = new Map<PickledArray, NamedArray>();

  constructor(path: string, fileBytes: number) {
    this.#path = path;
    this.#fileBytes = fileBytes;
    this.#budgetBytes = fileBytes;
  }

  decode(name: string, value: PickledArray): NamedArray {
    const layer = printable(name);
    const known = this.#decoded.get(value);
    if (known !== undefined) return known;
    if (value.state === undefined) throw this.#layout(layer, "an array with its data", "one without");
    const whole = value.state.shape.length < 2 ? this.#wholeNumbers(value.state) : undefined;
    const array: NamedArray =
      whole === undefined
        ? this.#array(layer, value.state)
        : { shape: value.state.shape, data: whole, isWhole: true };
    this.#decoded.set(value, array);
    return array;
  }

  /** Whole numbers beside weights, such as the sizes of layers; undefined for elements of another type. */
  #wholeNumbers({ shape: [count = 1], dtype, payload }: ArrayState): Float64Array | undefined {
    if (!/^[iu][1248]$/.test(dtype.name)) return undefined;
    const text = payload instanceof EncodedText ? payload.text : payload;
    const expectedBytes = count * Number(dtype.name.slice(1));
    if (!(typeof text === "string" || isUint8Array(text)) || text.length !== expectedBytes) return undefined;
    if (count > MAX_WHOLE) return undefined;
    const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
    return decodeWhole(bytes, dtype.name, dtype.byteOrder !== ">");
  }

  #array(layer: string, { shape, dtype, order, payload }: ArrayState): NamedArray {
    const type = DTYPES.get(dtype.name);
    if (type === undefined) {
      const found = LONG_DOUBLE.test(dtype.name) ? "long double" : `dtype ${printable(dtype.name)}`;
      throw new NetworkError("ERR_ARRAY_DTYPE", { path: this.#path, layer, expected: DTYPES_TEXT, found });
    }
    if (order !== "C" && order !== "F") {
      throw this.#layout(layer, "elements in C or Fortran order", `order ${printable(order)}`);
    }
    const bytes = this.#bytesOf(layer, payload);
    const expectedBytes = checkedElements(this.#path, shape) * ELEMENT_BYTES[type];
    if (bytes.length !== expectedBytes) {
      const claimed = `${expectedBytes} bytes for shape ${shapeText(shape)} of ${type}`;
      throw this.#layout(layer, claimed, String(bytes.length));
    }
    this.#spend(bytes.length);
    const littleEndian = dtype.byteOrder !== ">";
    return storedArray(shape, bytes, { type, littleEndian, fortranOrder: order === "F" });
  }

  /** Bytes of Python 3, or a text with one character per byte: Python 3's in protocols 0 to 2, or Python 2's str. */
  #bytesOf(layer: string, payload: PickledValue): Uint8Array {
    if (isUint8Array(payload)) return payload;
    const text = payload instanceof EncodedText ? payload.text : payload;
    if (typeof text !== "string") throw this.#layout(layer, "the bytes of its elements", kindOf(payload));
    if (text.length > this.#budgetBytes) throw this.#overBudget();
    const bytes = Buffer.from(text, "latin1");
    // A character beyond Latin-1 does not fit into a byte.
    if (bytes.toString("latin1") !== text) {
      throw this.#layout(layer, "bytes of 0 to 255", "a character above 255");
    }
    return bytes;
  }

  #spend(payloadBytes: number): void {
    if (payloadBytes > this.#budgetBytes) throw this.#overBudget();
    this.#budgetBytes -= payloadBytes;
  }

  #overBudget(): NetworkError {
    const what = "bytes of elements, as many as the file has";
    return new NetworkError("ERR_PICKLE_LIMIT", { path: this.#path, what, limit: this.#fileBytes });
  }

  #layout(layer: string, expected: string, found: string): NetworkError {
    return new NetworkError("ERR_ARRAY_LAYOUT", { path: this.#path, layer, expected, found });
  }
}

/** Most lists, dicts and arrays that are visited. Each reference to one counts. */
const MAX_VALUES = 2 ** 14;
/** Most numbers in lists of numbers, 32 MB. Each reference counts. */
const MAX_LISTED = 2 ** 22;
const MAX_DEPTH = 10;
/** NumPy's type of Python objects: an array of arrays, whose shapes differ. */
const OBJECTS = /^O\d*$/;

/** Decodes an array; the name is for messages. */
export interface PickledArrays {
  decode(name: string, value: PickledArray): NamedArray;
}

/** @throws NetworkError ERR_PICKLE_LIMIT, and what `arrays` throws */
export function pickledTree(path: string, value: PickledValue, arrays: PickledArrays): ArrayTree {
  const limitOf = (what: string, limit: number) => {
    let left = limit;
    return (count: number) => {
      left -= count;
      if (left < 0) throw new NetworkError("ERR_PICKLE_LIMIT", { path, what, limit });
    };
  };
  const lookAt = limitOf("lists, dicts and arrays", MAX_VALUES);
  const take = limitOf("numbers in lists", MAX_LISTED);
  const read = (one: PickledValue, name: string, depth: number): ArrayTree => {
    lookAt(1);
    if (depth > MAX_DEPTH) return { kind: "other" };
    const inner = (key: string | number) => (name === "" ? `${key}` : `${name}.${key}`);
    const list = (items: readonly PickledValue[]): ArrayTree => {
      if (items.length > 0 && items.every((item) => typeof item === "number")) {
        take(items.length);
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
