/** Data sets of HDF5: numbers in one piece, in the header, or in chunks that deflate and shuffle have packed. */
import { NetworkError } from "#src/base/errors.js";
import { checkedElements, decodeElements, lazyArray, type NamedArray } from "#src/files/formats/arrays.js";
import type { Cursor, Hdf5Bytes } from "./bytes.js";
import { CHUNK_TREE, leavesOf, place, readFilters, unpack } from "./chunks.js";
import { DATASPACE, DATATYPE, EXTERNAL_FILES, FILTERS, LAYOUT, type ObjectHeader } from "./object-header.js";
import { type Hdf5Type, readShape, readType } from "./types.js";

const [COMPACT, CONTIGUOUS, CHUNKED] = [0, 1, 2];
const LAYOUT_NAMES = ["", "", "chunks with an index of HDF5 1.10", "a virtual data set"];
/** Largest chunk: the specification's limit is 4 GiB; h5py's own choice is below 1 MiB. */
const MAX_CHUNK_BYTES = 2 ** 28;
/** Most bytes per packed byte, as for .npz: deflate makes a twentieth of weights that are mostly zero. Small arrays may be all zero. */
const MOST_EXPANSION = 64;
const SMALL_BYTES = 2 ** 24;

type Numbers = Extract<Hdf5Type, { readonly kind: "float" | "integer" }>;

export class Hdf5Dataset {
  readonly #file: Hdf5Bytes;
  readonly #header: ObjectHeader;
  readonly #name: string;

  constructor(file: Hdf5Bytes, header: ObjectHeader, name: string) {
    this.#file = file;
    this.#header = header;
    this.#name = name;
  }

  /**
   * Returns the numbers, row-major, and their shape. They are decoded when they are used; everything else is checked now.
   *
   * @throws FileError ERR_HDF5_MALFORMED, ERR_HDF5_UNSUPPORTED; NetworkError ERR_ARRAY_DTYPE, ERR_WEIGHTS_SIZE
   */
  array(): NamedArray {
    const { path } = this.#file;
    const shape = readShape(this.#message(DATASPACE, "a shape"));
    const type = this.#numbers();
    const lengthBytes = checkedElements(path, shape) * type.bytes;
    if (this.#header.has(EXTERNAL_FILES))
      throw this.#file.unsupported(`"${this.#name}" stored in another file`);
    const elements = this.#elements(shape, type, lengthBytes);
    return lazyArray(shape, () => decodeNumbers(elements(), type));
  }

  #message(type: number, what: string): Cursor {
    const cursor = this.#header.find(type);
    if (cursor === undefined) throw this.#file.malformed(0, `${what} of "${this.#name}"`, "none");
    return cursor;
  }

  #numbers(): Numbers {
    const type = readType(this.#message(DATATYPE, "a type"));
    if (type.kind === "float" || type.kind === "integer") return type;
    throw new NetworkError("ERR_ARRAY_DTYPE", {
      path: this.#file.path,
      layer: this.#name,
      expected: "float16, float32, float64 or integers",
      found: type.kind === "other" ? type.name : "texts",
    });
  }

  /** Returns what gives the elements' bytes, row-major. */
  #elements(shape: readonly number[], type: Numbers, lengthBytes: number): () => Uint8Array {
    const cursor = this.#message(LAYOUT, "a layout");
    const version = cursor.version("a data layout", [3, 4]);
    const kind = cursor.u8();
    if (kind === COMPACT) {
      const bytes = cursor.bytes(this.#stated(cursor, cursor.u16(), lengthBytes));
      return () => bytes;
    }
    if (kind === CONTIGUOUS) {
      const address = cursor.address();
      if (lengthBytes === 0) return () => new Uint8Array();
      if (address === undefined) throw this.#unwritten(cursor);
      const bytes = this.#file
        .cursor(address, this.#stated(cursor, cursor.u64(), lengthBytes))
        .bytes(lengthBytes);
      return () => bytes;
    }
    if (kind !== CHUNKED || version !== 3) {
      throw this.#file.unsupported(LAYOUT_NAMES[kind] ?? `a data layout of kind ${kind}`);
    }
    return this.#chunks(cursor, shape, type.bytes, lengthBytes);
  }

  #stated(cursor: Cursor, foundBytes: number, lengthBytes: number): number {
    if (foundBytes === lengthBytes) return lengthBytes;
    throw this.#file.malformed(cursor.at, `${lengthBytes} bytes of "${this.#name}"`, `${foundBytes}`);
  }

  #unwritten(cursor: Cursor) {
    return this.#file.malformed(cursor.at, `the elements of "${this.#name}"`, "none: nothing was written");
  }

  #chunks(
    cursor: Cursor,
    shape: readonly number[],
    elementBytes: number,
    lengthBytes: number,
  ): () => Uint8Array {
    const dimensions = cursor.u8();
    const tree = cursor.address();
    const sizes = Array.from({ length: dimensions }, () => cursor.u32());
    const chunk = sizes.slice(0, -1);
    const chunkBytes = sizes.reduce((product, size) => product * size, 1);
    const isWhole = dimensions === shape.length + 1 && sizes.at(-1) === elementBytes;
    if (!isWhole || chunkBytes === 0 || chunkBytes > MAX_CHUNK_BYTES) {
      const found = `chunks of ${sizes.join(" × ")} bytes`;
      throw this.#file.malformed(cursor.at, `chunks of "${this.#name}" of ${shape.length} dimensions`, found);
    }
    if (lengthBytes === 0) return () => new Uint8Array();
    if (tree === undefined) throw this.#unwritten(cursor);
    const pipeline = this.#header.find(FILTERS);
    const filters = pipeline === undefined ? [] : readFilters(pipeline, this.#name);
    const leaves = leavesOf(this.#file, tree, CHUNK_TREE, 8 + 8 * dimensions);
    const pieces = leaves.map(({ key, address }) => {
      const packedBytes = key.u32();
      if (key.u32() !== 0) throw this.#file.unsupported(`a chunk of "${this.#name}" without its filters`);
      const begin = chunk.map(() => key.u64());
      const isInPlace = begin.every((at, axis) => at % chunk[axis]! === 0 && at < shape[axis]!);
      if (!isInPlace)
        throw this.#file.malformed(key.at, `a chunk within "${this.#name}"`, `one at ${begin.join(", ")}`);
      return { begin, packed: this.#file.cursor(address, packedBytes).bytes(packedBytes) };
    });
    this.#checkCover(cursor, shape, chunk, pieces);
    const packedBytes = pieces.reduce((sum, { packed }) => sum + packed.length, 0);
    if (lengthBytes > Math.max(SMALL_BYTES, packedBytes * MOST_EXPANSION)) {
      throw this.#file.malformed(
        cursor.at,
        `${lengthBytes} bytes of "${this.#name}"`,
        `${packedBytes} packed ones`,
      );
    }
    return () => {
      const whole = new Uint8Array(lengthBytes);
      for (const { begin, packed } of pieces) {
        place(
          whole,
          shape,
          unpack(this.#file, this.#name, packed, filters, chunkBytes, elementBytes),
          chunk,
          begin,
          elementBytes,
        );
      }
      return whole;
    };
  }

  /** Each chunk is there once, and together they are at most as long as the file. So a small file cannot claim much data. */
  #checkCover(
    cursor: Cursor,
    shape: readonly number[],
    chunk: readonly number[],
    pieces: readonly { readonly begin: readonly number[]; readonly packed: Uint8Array }[],
  ): void {
    const expected = shape.reduce((count, size, axis) => count * Math.ceil(size / chunk[axis]!), 1);
    const places = new Set(pieces.map(({ begin }) => begin.join()));
    if (pieces.length !== expected || places.size !== expected) {
      throw this.#file.malformed(
        cursor.at,
        `${expected} chunks of "${this.#name}"`,
        `${places.size} of them`,
      );
    }
    const packedBytes = pieces.reduce((sum, { packed }) => sum + packed.length, 0);
    if (packedBytes > this.#file.bytes.length) {
      throw this.#file.malformed(
        cursor.at,
        `chunks of "${this.#name}" that lie apart`,
        "chunks that overlap",
      );
    }
  }
}

function decodeNumbers(bytes: Uint8Array, type: Numbers): Float64Array {
  if (type.kind === "float") return decodeElements(bytes, type.type, type.isLittle);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = INTEGERS[`${type.isSigned ? "i" : "u"}${type.bytes}`]!;
  return Float64Array.from({ length: bytes.length / type.bytes }, (_, index) =>
    read(view, index * type.bytes, type.isLittle),
  );
}

const INTEGERS: Readonly<Record<string, (view: DataView, at: number, isLittle: boolean) => number>> = {
  i1: (view, at) => view.getInt8(at),
  u1: (view, at) => view.getUint8(at),
  i2: (view, at, isLittle) => view.getInt16(at, isLittle),
  u2: (view, at, isLittle) => view.getUint16(at, isLittle),
  i4: (view, at, isLittle) => view.getInt32(at, isLittle),
  u4: (view, at, isLittle) => view.getUint32(at, isLittle),
  i8: (view, at, isLittle) => Number(view.getBigInt64(at, isLittle)),
  u8: (view, at, isLittle) => Number(view.getBigUint64(at, isLittle)),
};
