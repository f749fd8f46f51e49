/** Values on the stack of the pickle machine: plain data, and passive stand-ins for NumPy's objects. */

import { isMap, isUint8Array } from "#src/base/realm.js";
import { printable } from "#src/base/text.js";
import { MAX_DIMENSIONS } from "#src/files/formats/arrays.js";
import type { ByteReader } from "./reader.js";

export type PickledValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | EncodedText
  | PickledTuple
  | PickledList
  | PickledDict
  | PickledGlobal
  | PickledDtype
  | PickledArray
  | PickledObject;

/** Stand-in for an object that NumPy's vocabulary does not have. `what` names its kind, for messages: `a tensor`. */
export abstract class PickledObject {
  abstract readonly what: string;
}

/** Map, so that a key named `__proto__` is an ordinary key. */
export type PickledDict = Map<string, PickledValue>;

export class PickledTuple {
  readonly items: readonly PickledValue[];

  constructor(items: readonly PickledValue[]) {
    this.items = items;
  }
}

export class PickledList {
  readonly items: PickledValue[] = [];
}

/** Stand-in for a name of the allow-list. */
export type GlobalKind = "ndarray" | "dtype" | "reconstruct" | "frombuffer" | "scalar" | "encode" | "dict";

export class PickledGlobal {
  readonly kind: GlobalKind;

  constructor(kind: GlobalKind) {
    this.kind = kind;
  }
}

/** Bytes that protocols 0 to 2 write as a text, one character per byte. They stay a text until they are decoded. */
export class EncodedText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export class PickledDtype {
  /** Kind and size in bytes, as NumPy writes them: `f4`. */
  readonly name: string;
  /** Set by BUILD; `undefined` before. */
  byteOrder: string | undefined;

  constructor(name: string) {
    this.name = name;
  }
}

export interface ArrayState {
  readonly shape: readonly number[];
  readonly dtype: PickledDtype;
  /** `C` (row-major) or `F` (Fortran). NumPy has others, which readers of weights reject. */
  readonly order: string;
  readonly payload: PickledValue;
}

export class PickledArray {
  /** Set by BUILD, or at once by `_frombuffer`; `undefined` before. */
  state: ArrayState | undefined;
}

/** Name of a value's kind, for messages. */
export function kindOf(value: PickledValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "None";
  if (typeof value === "boolean") return "a truth value";
  if (typeof value === "number") return "a number";
  if (typeof value === "string") return "a text";
  if (isUint8Array(value) || value instanceof EncodedText) return "bytes";
  if (value instanceof PickledTuple) return "a tuple";
  if (value instanceof PickledList) return "a list";
  if (isMap(value)) return "a dict";
  if (value instanceof PickledDtype) return "a dtype";
  if (value instanceof PickledObject) return value.what;
  return value instanceof PickledArray ? "an array" : `the name numpy ${value.kind}`;
}

/** What a pickle of one kind of program may request. It is a closed list; a name outside it is refused. */
export interface Vocabulary {
  /** GLOBAL: the stand-in for a name. @throws NetworkError ERR_PICKLE_FORBIDDEN */
  find(reader: ByteReader, module: string, name: string): PickledValue;
  /** REDUCE: the result of a call, from the callee and its arguments. */
  reduce(reader: ByteReader, call: readonly PickledValue[]): PickledValue;
  /** BUILD: gives an object its state. */
  build(reader: ByteReader, state: PickledValue, target: PickledValue): void;
  /** What other files need beyond NumPy's. Absent: refused. */
  readonly outside?: {
    /** Key of a dict that is neither a text nor a number; `index` is its place in the dict. Absent: refused. */
    key?(value: PickledValue, index: number): string | undefined;
    /** BINPERSID: the object with this identifier, which is kept outside the pickle. */
    persistent(reader: ByteReader, id: PickledValue): PickledValue;
    /** NEWOBJ: an object without its state, of a class and its arguments. */
    instance(reader: ByteReader, call: readonly PickledValue[]): PickledValue;
  };
}

/** Allow-list of names in a pickle of NumPy arrays, as NumPy 1 (`numpy.core`) and 2 (`numpy._core`) write them. */
const ALLOWED: ReadonlyMap<string, GlobalKind> = new Map([
  ["numpy ndarray", "ndarray"],
  ["numpy dtype", "dtype"],
  ["numpy.core.multiarray _reconstruct", "reconstruct"],
  ["numpy._core.multiarray _reconstruct", "reconstruct"],
  ["numpy.core.numeric _frombuffer", "frombuffer"],
  ["numpy._core.numeric _frombuffer", "frombuffer"],
  ["numpy.core.multiarray scalar", "scalar"],
  ["numpy._core.multiarray scalar", "scalar"],
  ["collections OrderedDict", "dict"],
  // Protocols 0 to 2 have no bytes; Python 3 writes them like this.
  ["_codecs encode", "encode"],
]);

function findGlobal(reader: ByteReader, module: string, name: string): PickledGlobal {
  const kind = ALLOWED.get(`${module} ${name}`);
  if (kind === undefined) throw reader.forbidden(printable(`${module}.${name}`));
  return new PickledGlobal(kind);
}

/** REDUCE: returns a stand-in for what NumPy's function would have made of these arguments. */
function reduce(reader: ByteReader, [callee, args]: readonly PickledValue[]): PickledValue {
  if (!(callee instanceof PickledGlobal && args instanceof PickledTuple)) {
    throw reader.malformed("a name and a tuple of arguments", `${kindOf(callee)} and ${kindOf(args)}`);
  }
  switch (callee.kind) {
    case "reconstruct":
      return reconstruct(reader, args.items);
    case "frombuffer":
      return fromBuffer(reader, args.items);
    case "dtype":
      return dtype(reader, args.items);
    case "scalar":
      return scalar(reader, args.items);
    case "encode":
      return encode(reader, args.items);
    case "dict":
      return orderedDict(reader, args.items);
    case "ndarray":
      throw reader.malformed("arrays made by _reconstruct or _frombuffer", "a call of numpy.ndarray");
  }
}

/** BUILD: gives an array or a dtype its state. */
function build(reader: ByteReader, state: PickledValue, target: PickledValue): void {
  const items = state instanceof PickledTuple ? state.items : [];
  if (target instanceof PickledArray && target.state === undefined) buildArray(reader, target, items);
  else if (target instanceof PickledDtype && target.byteOrder === undefined)
    buildDtype(reader, target, items);
  else throw reader.malformed("an array or a dtype without a state", kindOf(target));
}

/** _reconstruct(ndarray, (0,), b"b"): an empty array of bytes. Its state follows. */
function reconstruct(reader: ByteReader, args: readonly PickledValue[]): PickledArray {
  const [type, shape, letter] = args;
  const isEmptyArray =
    type instanceof PickledGlobal &&
    type.kind === "ndarray" &&
    shape instanceof PickledTuple &&
    shape.items.length === 1 &&
    shape.items[0] === 0 &&
    isLetterB(letter);
  if (!isEmptyArray || args.length !== 3) {
    throw reader.malformed('_reconstruct of numpy.ndarray, (0,) and b"b"', kindsOf(args));
  }
  return new PickledArray();
}

/** _frombuffer(buffer, dtype, shape, order): protocol 5, with the buffer in the file. */
function fromBuffer(reader: ByteReader, args: readonly PickledValue[]): PickledArray {
  const [payload, type, shape, order] = args;
  if (!(isUint8Array(payload) && type instanceof PickledDtype && typeof order === "string")) {
    throw reader.malformed("_frombuffer of bytes, a dtype, a shape and an order", kindsOf(args));
  }
  const array = new PickledArray();
  array.state = { payload, dtype: type, shape: shapeOf(reader, shape), order };
  return array;
}

/** scalar(dtype, bytes): a single number of NumPy, as an array without axes. */
function scalar(reader: ByteReader, args: readonly PickledValue[]): PickledArray {
  const [type, payload] = args;
  if (!(type instanceof PickledDtype) || payload === undefined || args.length !== 2) {
    throw reader.malformed("a scalar of a dtype and bytes", kindsOf(args));
  }
  const array = new PickledArray();
  array.state = { payload, dtype: type, shape: [], order: "C" };
  return array;
}

/** OrderedDict(), whose items follow, or OrderedDict([[key, value], …]) of Python 2. */
function orderedDict(reader: ByteReader, args: readonly PickledValue[]): PickledDict {
  const [pairs] = args;
  const isPairs = args.length === 1 && pairs instanceof PickledList;
  if (args.length !== 0 && !isPairs) throw reader.malformed("an OrderedDict of pairs", kindsOf(args));
  return new Map(
    (isPairs ? pairs.items : []).map((pair) => {
      const items = pair instanceof PickledList || pair instanceof PickledTuple ? pair.items : [];
      const [key, value] = items;
      if (typeof key === "string" && value !== undefined && items.length === 2) return [key, value];
      throw reader.malformed("a pair of a text and a value", kindOf(pair));
    }),
  );
}

/** dtype("f4", False, True): not aligned, a copy. The byte order follows in its state. Python 2 writes 0 and 1. */
function dtype(reader: ByteReader, args: readonly PickledValue[]): PickledDtype {
  const [name, align, copy] = args;
  if (typeof name !== "string" || truth(align) !== false || truth(copy) !== true || args.length !== 3) {
    throw reader.malformed("dtype of a name, False and True", kindsOf(args));
  }
  return new PickledDtype(name);
}

/** encode("…", "latin1"): one byte per character. */
function encode(reader: ByteReader, args: readonly PickledValue[]): EncodedText {
  const [text, encoding] = args;
  if (typeof text !== "string" || encoding !== "latin1" || args.length !== 2) {
    throw reader.malformed('_codecs.encode of a text and "latin1"', kindsOf(args));
  }
  return new EncodedText(text);
}

/** (1, shape, dtype, is Fortran, bytes), from NumPy's array_reduce. */
function buildArray(reader: ByteReader, array: PickledArray, items: readonly PickledValue[]): void {
  const [version, shape, type, order, payload] = items;
  const isFortran = truth(order);
  const isState = items.length === 5 && version === 1 && type instanceof PickledDtype;
  if (!isState || isFortran === undefined || payload === undefined) {
    throw reader.malformed("an array's state (1, shape, dtype, is Fortran, data)", kindsOf(items));
  }
  array.state = { payload, dtype: type, shape: shapeOf(reader, shape), order: isFortran ? "F" : "C" };
}

/** (3, byte order, subarray, names, fields, element size, alignment, flags), from NumPy's arraydescr_reduce. */
function buildDtype(reader: ByteReader, target: PickledDtype, items: readonly PickledValue[]): void {
  const [version, byteOrder, ...rest] = items;
  const isKnownOrder = byteOrder === "<" || byteOrder === ">" || byteOrder === "|";
  const isPlain = version === 3 && isKnownOrder && rest.every((item, index) => item === PLAIN_DTYPE[index]);
  // Dtypes of other kinds have longer states. They are rejected when their array is decoded.
  if (!isKnownOrder || (target.name.startsWith("f") && !(isPlain && rest.length === PLAIN_DTYPE.length))) {
    throw reader.malformed("the state of a dtype that NumPy writes", kindsOf(items));
  }
  target.byteOrder = byteOrder;
}

/** Rest of the state of a float's dtype, after its byte order: nothing is set. */
const PLAIN_DTYPE: readonly PickledValue[] = [null, null, null, -1, -1, 0];

function shapeOf(reader: ByteReader, value: PickledValue | undefined): number[] {
  if (!(value instanceof PickledTuple && value.items.length <= MAX_DIMENSIONS)) {
    throw reader.malformed(`a shape: a tuple of at most ${MAX_DIMENSIONS} numbers`, kindOf(value));
  }
  return value.items.map((size) => {
    if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return size;
    throw reader.malformed("a shape of whole numbers", typeof size === "number" ? `${size}` : kindOf(size));
  });
}

/** True for Python's bytes b"b", or Python 2's str. */
function isLetterB(value: PickledValue | undefined): boolean {
  if (isUint8Array(value)) return value.length === 1 && value[0] === 0x62;
  return (value instanceof EncodedText ? value.text : value) === "b";
}

/** Boolean. Python 2 and older versions of NumPy write 0 and 1. */
function truth(value: PickledValue | undefined): boolean | undefined {
  if (value === true || value === 1) return true;
  return value === false || value === 0 ? false : undefined;
}

function kindsOf(values: readonly PickledValue[]): string {
  return values.length > 0 ? values.slice(0, 6).map(kindOf).join(", ") : "nothing";
}

/** Vocabulary of a pickle of NumPy arrays. */
export const NUMPY: Vocabulary = { find: findGlobal, reduce, build };
