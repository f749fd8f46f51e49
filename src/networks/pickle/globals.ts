/** The allow-list: the names that a pickle of NumPy arrays may use, and what stands in for calling them. Nothing runs. */
import { MAX_DIMENSIONS } from "../arrays.js";
import { printable } from "../printable.js";
import type { ByteReader } from "./reader.js";
import {
  EncodedText,
  type GlobalKind,
  kindOf,
  PickledArray,
  PickledDtype,
  PickledGlobal,
  PickledTuple,
  type PickledValue,
} from "./values.js";

/** Module and name, as NumPy 1 (`numpy.core`) and NumPy 2 (`numpy._core`) write them. The list is closed. */
const ALLOWED: ReadonlyMap<string, GlobalKind> = new Map([
  ["numpy ndarray", "ndarray"],
  ["numpy dtype", "dtype"],
  ["numpy.core.multiarray _reconstruct", "reconstruct"],
  ["numpy._core.multiarray _reconstruct", "reconstruct"],
  ["numpy.core.numeric _frombuffer", "frombuffer"],
  ["numpy._core.numeric _frombuffer", "frombuffer"],
  // Python 3 writes bytes so in protocols 0 to 2, which have none of their own.
  ["_codecs encode", "encode"],
]);

export function findGlobal(reader: ByteReader, module: string, name: string): PickledGlobal {
  const kind = ALLOWED.get(`${module} ${name}`);
  if (kind === undefined) throw reader.forbidden(printable(`${module}.${name}`));
  return new PickledGlobal(kind);
}

/** REDUCE: what NumPy's function would have made of these arguments, as a stand-in. */
export function reduce(reader: ByteReader, [callee, args]: readonly PickledValue[]): PickledValue {
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
    case "encode":
      return encode(reader, args.items);
    case "ndarray":
      throw reader.malformed("arrays made by _reconstruct or _frombuffer", "a call of numpy.ndarray");
  }
}

/** BUILD: gives an array or a dtype its state. */
export function build(reader: ByteReader, state: PickledValue, target: PickledValue): void {
  const items = state instanceof PickledTuple ? state.items : [];
  if (target instanceof PickledArray && target.state === undefined) buildArray(reader, target, items);
  else if (target instanceof PickledDtype && target.byteOrder === undefined)
    buildDtype(reader, target, items);
  else throw reader.malformed("an array or a dtype without a state", kindOf(target));
}

/** _reconstruct(ndarray, (0,), b"b"): an empty array, whose state follows. */
function reconstruct(reader: ByteReader, [type]: readonly PickledValue[]): PickledArray {
  if (!(type instanceof PickledGlobal && type.kind === "ndarray")) {
    throw reader.malformed("_reconstruct of numpy.ndarray", kindOf(type));
  }
  return new PickledArray();
}

/** _frombuffer(buffer, dtype, shape, order): protocol 5, the buffer in the file. */
function fromBuffer(reader: ByteReader, args: readonly PickledValue[]): PickledArray {
  const [payload, type, shape, order] = args;
  if (!(payload instanceof Uint8Array && type instanceof PickledDtype && typeof order === "string")) {
    throw reader.malformed("_frombuffer of bytes, a dtype, a shape and an order", kindsOf(args));
  }
  const array = new PickledArray();
  array.state = { payload, dtype: type, shape: shapeOf(reader, shape), order };
  return array;
}

/** dtype("f4", False, True): the byte order follows in its state. */
function dtype(reader: ByteReader, [name]: readonly PickledValue[]): PickledDtype {
  if (typeof name !== "string") throw reader.malformed("the name of a dtype", kindOf(name));
  return new PickledDtype(name);
}

/** encode("…", "latin1"): one byte a character. */
function encode(reader: ByteReader, [text, encoding]: readonly PickledValue[]): EncodedText {
  if (typeof text !== "string" || encoding !== "latin1") {
    throw reader.malformed("_codecs.encode of a text to latin1", `${kindOf(text)} to ${kindOf(encoding)}`);
  }
  return new EncodedText(text);
}

/** (1, shape, dtype, is Fortran, bytes), from NumPy's array_reduce. */
function buildArray(reader: ByteReader, array: PickledArray, items: readonly PickledValue[]): void {
  const [version, shape, type, fortran, payload] = items;
  if (items.length !== 5 || version !== 1 || !(type instanceof PickledDtype) || payload === undefined) {
    throw reader.malformed("an array's state (1, shape, dtype, order, data)", kindsOf(items));
  }
  const order = fortran === true || fortran === 1 ? "F" : "C";
  array.state = { payload, dtype: type, shape: shapeOf(reader, shape), order };
}

/** (3, byte order, …), from NumPy's arraydescr_reduce; what follows concerns dtypes of other kinds. */
function buildDtype(reader: ByteReader, target: PickledDtype, items: readonly PickledValue[]): void {
  const [, byteOrder] = items;
  if (byteOrder !== "<" && byteOrder !== ">" && byteOrder !== "|") {
    throw reader.malformed("a dtype's state with its byte order", kindsOf(items));
  }
  target.byteOrder = byteOrder;
}

function shapeOf(reader: ByteReader, value: PickledValue | undefined): number[] {
  if (!(value instanceof PickledTuple && value.items.length <= MAX_DIMENSIONS)) {
    throw reader.malformed(`a shape: a tuple of at most ${MAX_DIMENSIONS} numbers`, kindOf(value));
  }
  return value.items.map((size) => {
    if (typeof size === "number" && Number.isSafeInteger(size) && size >= 0) return size;
    throw reader.malformed("a shape of whole numbers", typeof size === "number" ? `${size}` : kindOf(size));
  });
}

function kindsOf(values: readonly PickledValue[]): string {
  return values.length > 0 ? values.slice(0, 6).map(kindOf).join(", ") : "nothing";
}
