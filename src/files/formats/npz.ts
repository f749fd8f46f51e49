/** Reads the headers of .npy files, alone and in a .npz. The elements are read later. */
import { FileError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { decodeElements, type ElementType } from "./arrays.js";
import { readZipDirectory, startOfEntry } from "./zip.js";
import type { ZipEntry } from "./zip-entry.js";

/** "The first 6 bytes are a magic string: exactly \x93NUMPY" (numpy.lib.format). */
const MAGIC = "\x93NUMPY";
/** Versions. The length of the dict is a u16 in 1.0 and a u32 from 2.0 on; 3.0 allows UTF-8 in names of fields. */
const VERSIONS: ReadonlyMap<string, 2 | 4> = new Map([
  ["1.0", 2],
  ["2.0", 4],
  ["3.0", 4],
]);
/** Length of the magic and of a byte each for the major and the minor version. */
const LENGTH_AT = MAGIC.length + 2;
/** NumPy's own limit (`max_header_size` of numpy.load); a header of numbers takes 118. */
const MAX_DICT_BYTES = 10_000;
/** Most bytes from the start of the file to the end of the header. */
export const MAX_NPY_HEADER_BYTES = LENGTH_AT + 4 + MAX_DICT_BYTES;
/** NumPy 2's NPY_MAXDIMS. */
const MAX_DIMENSIONS = 64;
/** Largest .npy file in bytes, alone or in an archive. */
export const NPY_LIMIT_BYTES = 2 ** 31;

export interface NpyHeader {
  /** Kind and bytes per element: `f4` is a float, `u1` an unsigned and `i2` a signed integer. */
  readonly dtype: NpyDtype;
  readonly littleEndian: boolean;
  /** True if the first axis varies fastest. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  readonly headerBytes: number;
  /** Length of the whole file in bytes: header and elements. */
  readonly totalBytes: number;
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8");
}

const NPY_DTYPES = ["b1", "f2", "f4", "f8", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8"] as const;
export type NpyDtype = (typeof NPY_DTYPES)[number];

type Fault = (expected: string, found: string) => FileError;

/**
 * Reads the header from the first bytes of a .npy file, versions 1.0, 2.0 and 3.0; `bytes` must hold all of the header
 * (MAX_NPY_HEADER_BYTES always do) or all of the file. No memory is allocated for what the header claims.
 *
 * Format: numpy.lib.format in NumPy's reference, "Format Version 1.0" and after.
 *
 * @throws FileError ERR_NPY_HEADER, ERR_NPY_DTYPE.
 */
export function parseNpyHeader(path: string, bytes: Uint8Array): NpyHeader {
  const fault: Fault = (expected, found) => new FileError("ERR_NPY_HEADER", { path, expected, found });
  const latin1 = (begin: number, end: number) => Buffer.from(bytes.subarray(begin, end)).toString("latin1");

  if (latin1(0, MAGIC.length) !== MAGIC) throw fault("the magic \\x93NUMPY", "a different start");
  if (bytes.length < LENGTH_AT) throw fault("a version", "the end of the file");
  const version = `${bytes[MAGIC.length]}.${bytes[MAGIC.length + 1]}`;
  const lengthBytes = VERSIONS.get(version);
  if (lengthBytes === undefined) throw fault(`version ${[...VERSIONS.keys()].join(" or ")}`, version);
  const dictAt = LENGTH_AT + lengthBytes;
  if (bytes.length < dictAt) throw fault(`its length in ${lengthBytes} bytes`, "the end of the file");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dictBytes = lengthBytes === 2 ? view.getUint16(LENGTH_AT, true) : view.getUint32(LENGTH_AT, true);
  const mostBytes = Math.min(MAX_DICT_BYTES, bytes.length - dictAt);
  if (dictBytes > mostBytes) throw fault(`at most ${mostBytes} bytes`, `a length of ${dictBytes}`);

  const headerBytes = dictAt + dictBytes;
  // Version 3.0 has names in UTF-8.
  const dictText =
    version === "3.0" ? utf8(bytes.subarray(dictAt, headerBytes)) : latin1(dictAt, headerBytes);
  const dict = parseDict(dictText, fault);
  const { dtype, littleEndian } = parseDtype(path, dict.descr);
  const dataBytes = dict.shape.reduce((product, size) => product * BigInt(size), BigInt(dtype.slice(1)));
  const totalBytes = BigInt(headerBytes) + dataBytes;
  if (totalBytes > NPY_LIMIT_BYTES)
    throw fault(`a file of at most ${NPY_LIMIT_BYTES} bytes`, `${totalBytes}`);
  return {
    dtype,
    littleEndian,
    fortranOrder: dict.fortranOrder,
    shape: dict.shape,
    headerBytes,
    totalBytes: Number(totalBytes),
  };
}

/**
 * Returns the bytes of a file's elements.
 *
 * @throws FileError ERR_NPY_LENGTH if the file is shorter or longer than its header says
 */
export function npyElements(path: string, file: Uint8Array, header: NpyHeader): Uint8Array {
  const { headerBytes, totalBytes: expectedBytes } = header;
  if (file.length !== expectedBytes) {
    throw new FileError("ERR_NPY_LENGTH", { path, expectedBytes, actualBytes: file.length });
  }
  return file.subarray(headerBytes);
}

/** Types that JavaScript's views read. */
const READERS: Readonly<
  Partial<Record<NpyDtype, (view: DataView, at: number, littleEndian: boolean) => number | bigint>>
> = {
  u1: (view, at) => view.getUint8(at),
  u2: (view, at, littleEndian) => view.getUint16(at, littleEndian),
  u4: (view, at, littleEndian) => view.getUint32(at, littleEndian),
  u8: (view, at, littleEndian) => view.getBigUint64(at, littleEndian),
  i1: (view, at) => view.getInt8(at),
  i2: (view, at, littleEndian) => view.getInt16(at, littleEndian),
  i4: (view, at, littleEndian) => view.getInt32(at, littleEndian),
  i8: (view, at, littleEndian) => view.getBigInt64(at, littleEndian),
};

/** Decodes elements of any type to float64, in the file's order. Integers beyond 2⁵³ are rounded. */
export function npyValues(elements: Uint8Array, { dtype, littleEndian }: NpyHeader): Float64Array {
  const read = READERS[dtype];
  if (read === undefined) return decodeElements(elements, FLOATS[dtype] ?? "float64", littleEndian);
  const view = new DataView(elements.buffer, elements.byteOffset, elements.byteLength);
  const elementBytes = Number(dtype.slice(1));
  const values = new Float64Array(elements.length / elementBytes);
  for (let n = 0; n < values.length; n++) values[n] = Number(read(view, n * elementBytes, littleEndian));
  return values;
}

const FLOATS: Readonly<Partial<Record<NpyDtype, ElementType>>> = {
  f2: "float16",
  f4: "float32",
  f8: "float64",
};

interface Dict {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

const KEY = /\s*(['"])(\w+)\1\s*:\s*/y;
/** Text without escapes, or a list, which only records have. */
const VALUES = {
  // Records may hold records, to this depth.
  descr: /'([^'\\]*)'|"([^"\\]*)"|(\[(?:[^[\]]|\[(?:[^[\]]|\[[^[\]]*\])*\])*\])/y,
  fortran_order: /(True)|(False)/y,
  // Python 2 wrote long integers with an L.
  shape: /\(([\d\sL,]*)\)/y,
} as const;
type Key = keyof typeof VALUES;

/** Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (784, 50), }`: the three keys, each once, in any order. */
function parseDict(text: string, fault: Fault): Dict {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match ?? undefined;
  };
  const here = () => `"${printable(text.slice(at, at + 24))}"`;

  const found = new Map<Key, string>();
  if (take(/\s*\{/y) === undefined) throw fault("a dict", here());
  do {
    const key = take(KEY)?.[2];
    if (key === undefined) break;
    if (!isKey(key)) throw fault("the keys descr, fortran_order and shape", `"${printable(key)}"`);
    if (found.has(key)) throw fault("each key once", `"${key}" twice`);
    const value = take(VALUES[key]);
    if (value === undefined) throw fault(`a value of "${key}"`, here());
    found.set(key, value.slice(1).find((group) => group !== undefined) ?? "");
  } while (take(/\s*,/y) !== undefined);
  if (take(/\s*\}\s*$/y) === undefined) throw fault("the end of the dict", here());

  const [descr, order, shape] = [found.get("descr"), found.get("fortran_order"), found.get("shape")];
  if (descr === undefined || order === undefined || shape === undefined) {
    throw fault("the keys descr, fortran_order and shape", `only ${[...found.keys()].join(", ") || "none"}`);
  }
  return { descr, fortranOrder: order === "True", shape: parseShape(shape, fault) };
}

function isKey(key: string): key is Key {
  return Object.hasOwn(VALUES, key);
}

/** Parses the text between the parentheses of `()`, `(3,)`, `(3, 4)` or `(3, 4, )`. */
function parseShape(text: string, fault: Fault): number[] {
  if (text.trim() === "") return [];
  const items = text.split(",").map((item) => item.trim());
  // A comma after the last size is allowed, and required after a single one: `(3)` is not a tuple.
  if (items.at(-1) === "") items.pop();
  else if (items.length === 1) throw fault("a tuple as shape", `"(${printable(text)})"`);
  if (items.length > MAX_DIMENSIONS) throw fault(`at most ${MAX_DIMENSIONS} dimensions`, `${items.length}`);
  return items.map((item) => {
    const size = /^(0|[1-9]\d*)L?$/.test(item) ? Number(item.replace("L", "")) : Number.NaN;
    if (!Number.isSafeInteger(size)) throw fault("whole numbers as shape", `"${printable(item)}"`);
    return size;
  });
}

/** Other types of NumPy, by the letter of their dtype. */
const FOREIGN: Readonly<Record<string, string>> = {
  O: "Python objects, which are a pickle and could run code",
  "[": "records with named fields",
  c: "complex numbers",
  S: "bytes",
  U: "texts",
  V: "raw bytes",
  M: "dates",
  m: "times",
};

function parseDtype(path: string, descr: string): Pick<NpyHeader, "dtype" | "littleEndian"> {
  const order = descr.charAt(0);
  const dtype = NPY_DTYPES.find((known) => known === descr.slice(1));
  // A single byte has no byte order; NumPy writes `|`.
  const orders = dtype?.endsWith("1") ? "|<>" : "<>";
  if (dtype === undefined || !orders.includes(order)) {
    const kind = FOREIGN[descr.replace(/^[<>|=]/, "").charAt(0)];
    const isLongDouble = /^[<>|=]?f(12|16)$/.test(descr);
    const found = `dtype "${printable(descr)}"${isLongDouble ? ": long double" : kind === undefined ? "" : `: ${kind}`}`;
    throw new FileError("ERR_NPY_DTYPE", { path, found });
  }
  return { dtype, littleEndian: order !== ">" };
}

const ENDING = ".npy";

export interface NpzMember {
  readonly entry: ZipEntry;
  readonly header: NpyHeader;
  /** Path of the archive and name of the entry, for messages. */
  readonly path: string;
}

/**
 * Returns the members by name, without `.npy`. Only headers are unpacked; each is checked against the size that the
 * archive claims for it. `limitBytes` bounds what all contents together may claim. `refuse` throws for an entry whose name
 * is not an array's.
 *
 * @throws FileError ERR_ZIP_*, ERR_NPY_HEADER, ERR_NPY_DTYPE, ERR_NPY_LENGTH.
 */
export async function openNpz(
  path: string,
  bytes: Uint8Array,
  limitBytes: number,
  refuse: (name: string) => never,
): Promise<Map<string, NpzMember>> {
  const members = new Map<string, NpzMember>();
  for (const entry of readZipDirectory(path, bytes, limitBytes)) {
    if (!entry.name.endsWith(ENDING)) refuse(printable(entry.name));
    const inner = `${path}:${printable(entry.name)}`;
    const header = parseNpyHeader(inner, await startOfEntry(path, entry, MAX_NPY_HEADER_BYTES));
    if (header.totalBytes !== entry.unpackedBytes) {
      const facts = { expectedBytes: header.totalBytes, actualBytes: entry.unpackedBytes };
      throw new FileError("ERR_NPY_LENGTH", { path: inner, ...facts });
    }
    members.set(entry.name.slice(0, -ENDING.length), { entry, header, path: inner });
  }
  return members;
}
