/** Values and levels in pages of Parquet files, decoded within bounds: what they claim is weighed first. */

import type { ParquetType } from "hyparquet";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { byteStreamSplit } from "hyparquet/src/encoding.js";
import { readPlain } from "hyparquet/src/plain.js";
import { decodeElements } from "#src/files/formats/arrays.js";

/** Most bytes of the columns of a row group, packed or unpacked. */
export const MAX_GROUP_BYTES = 2 ** 29;
const MAX_VARINT_BYTES = 10;
/** Most values with which a writer fills its last packed run. */
const MAX_FILLING = 504;
/** Most bits of an index that is kept. */
const MAX_INDEX_BITS = 24;

export interface Reader {
  readonly view: DataView;
  offset: number;
}

export function varint(reader: Reader): number {
  let number = 0;
  for (let n = 0; n < MAX_VARINT_BYTES; n++) {
    const byte = reader.view.getUint8(reader.offset++);
    number += (byte & 0x7f) * 2 ** (7 * n);
    if (byte < 0x80) return number;
  }
  throw new Error("a number has too many bytes");
}

export interface Column {
  readonly type: string;
  readonly typeLength: number | undefined;
  readonly isFlat: boolean;
  readonly maxRepetition: number;
  readonly maxDefinition: number;
  readonly unpack: (packed: Uint8Array, bytes: number) => Uint8Array;
}

/** The values of a page, which begin at `reader`. */
export interface PageValues {
  /** How many are no nulls. */
  readonly present: number;
  readonly encoding: string | undefined;
  readonly reader: Reader;
}

/** Weight of the pages of a column: bytes unpacked, and lists. */
export interface Weight {
  bytes: number;
  lists: number;
}

export const readerOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Reader => ({
  view: new DataView(buffer, byteOffset, byteLength),
  offset: 0,
});

/** What the values of a page claim, before hyparquet decodes them. */
export function assertValues(
  { reader: given, encoding, present: count }: PageValues,
  column: Column,
  weight: Weight,
): void {
  const reader = { ...given };
  const left = reader.view.byteLength - reader.offset;
  if (encoding === "RLE" && column.type === "BOOLEAN") runs(reader, 1, count);
  else if (encoding === "PLAIN_DICTIONARY" || encoding === "RLE_DICTIONARY" || encoding === "RLE") {
    const width = reader.view.getUint8(reader.offset++);
    if (width > 32) throw new Error(`a page claims indexes of ${width} bits`);
    readRuns(reader, width, count, undefined);
  } else if (encoding === "DELTA_BINARY_PACKED" || encoding === "DELTA_LENGTH_BYTE_ARRAY")
    assertDelta(reader);
  else if (encoding === "DELTA_BYTE_ARRAY") assertTexts(reader, count, weight);
  else if (encoding === "PLAIN" || encoding === "BYTE_STREAM_SPLIT") {
    const bits = bitsOf(column);
    if (count * bits > left * 8) throw new Error(`a page claims ${count} values in ${left} bytes`);
  } else throw new Error(`its pages have the encoding ${encoding}`);
}

function assertDelta({ view, offset }: Reader): void {
  const reader = { view, offset };
  const [block, parts] = [varint(reader), varint(reader)];
  if (!(parts > 0 && parts <= block && block <= 2 ** 16 && block % parts === 0))
    throw new Error(`a page claims blocks of ${block} values in ${parts} parts`);
}

/** Each text may repeat the one before it: a few bytes could claim any length. */
function assertTexts(reader: Reader, count: number, weight: Weight): void {
  const [shared, own] = [new Int32Array(count), new Int32Array(count)];
  for (const lengths of [shared, own]) {
    assertDelta(reader);
    deltaBinaryUnpack(reader, count, lengths);
  }
  for (let n = 0, before = 0; n < count; n++) {
    if (!(shared[n]! >= 0 && shared[n]! <= before && own[n]! >= 0))
      throw new Error(`a page claims a text of ${shared[n]} and ${own[n]} bytes`);
    before = shared[n]! + own[n]!;
    weight.bytes += before;
    if (weight.bytes > MAX_GROUP_BYTES) throw new Error(`its texts claim ${weight.bytes} bytes`);
  }
}

/** Fewest bits of a plain value. */
function bitsOf({ type, typeLength = 0 }: Column): number {
  if (type === "BOOLEAN") return 1;
  if (type === "INT64" || type === "DOUBLE") return 64;
  if (type === "INT96") return 96;
  if (type !== "FIXED_LEN_BYTE_ARRAY") return 32;
  if (!(typeLength > 0)) throw new Error(`a column claims values of ${typeLength} bytes`);
  return 8 * typeLength;
}

/** Reads levels from 0 to `max`. */
export function runs(reader: Reader, max: number, count: number, length?: number): Uint8Array {
  const bytes = length ?? reader.view.getUint32(reader.offset, true);
  if (length === undefined) reader.offset += 4;
  const end = reader.offset + bytes;
  const levels = new Uint8Array(count);
  readRuns(reader, 32 - Math.clz32(max), count, levels);
  if (end > reader.view.byteLength) throw new Error(`a page claims ${bytes} bytes of levels`);
  reader.offset = end;
  return levels;
}

/** Reads runs of RLE, of numbers of at most 24 bits where they are kept. hyparquet writes a run's claimed length without a bound. */
export function readRuns(
  reader: Reader,
  width: number,
  count: number,
  into: Uint8Array | Uint32Array | undefined,
): void {
  const { view } = reader;
  const mask = 2 ** width - 1;
  for (let seen = 0; seen < count; ) {
    const header = varint(reader);
    const left = count - seen;
    const length = Math.floor(header / 2);
    if (header % 2 === 0) {
      if (length > left) throw new Error(`a page claims a run of ${length} of ${left} values`);
      let value = 0;
      for (let n = 0; n < (width + 7) >> 3; n++) value |= view.getUint8(reader.offset++) << (8 * n);
      into?.fill(value, seen, seen + length);
      seen += length;
      continue;
    }
    if (length * 8 > left + MAX_FILLING)
      throw new Error(`a page claims a run of ${length * 8} of ${left} values`);
    const read = Math.min(left, length * 8);
    for (let n = 0, at = reader.offset, bits = 0, held = 0; into !== undefined && n < read; n++) {
      for (; held < width; held += 8) bits |= view.getUint8(at++) << held;
      into[seen + n] = bits & mask;
      bits >>>= width;
      held -= width;
    }
    reader.offset += length * width;
    seen += read;
  }
}

export type Numbers = ArrayLike<number>;

/** Plain values as numbers. @throws Error for a type that is none of numbers */
export function plainNumbers(reader: Reader, count: number, { type, typeLength }: Column): Numbers {
  if (type === "FIXED_LEN_BYTE_ARRAY" && typeLength === 2) {
    const { buffer, byteOffset } = reader.view;
    return decodeElements(new Uint8Array(buffer, byteOffset + reader.offset, 2 * count), "float16", true);
  }
  return asNumbers(readPlain(reader, parquetType(type), count, typeLength), type);
}

/** The values of a page as numbers. @param dictionary distinct values of the column */
export function numbersOf(
  page: PageValues,
  column: Column,
  dictionary: Numbers | undefined,
  weight: Weight,
): Numbers {
  const { reader, encoding, present } = page;
  const { type, typeLength } = column;
  if (encoding === "RLE" && type === "BOOLEAN") return runs(reader, 1, present);
  if (encoding === "PLAIN_DICTIONARY" || encoding === "RLE_DICTIONARY") {
    if (dictionary === undefined) throw new Error("a page has indexes, and its column no dictionary");
    const width = reader.view.getUint8(reader.offset++);
    if (width > MAX_INDEX_BITS) throw new Error(`a page claims indexes of ${width} bits`);
    const indexes = new Uint32Array(present);
    readRuns(reader, width, present, indexes);
    const numbers = new Float64Array(present);
    // An index beyond the dictionary becomes NaN, which is no pixel.
    for (let n = 0; n < present; n++) numbers[n] = dictionary[indexes[n]!] ?? Number.NaN;
    return numbers;
  }
  assertValues(page, column, weight);
  if (encoding === "PLAIN") return plainNumbers(reader, present, column);
  if (encoding === "BYTE_STREAM_SPLIT")
    return asNumbers(byteStreamSplit(reader, present, parquetType(type), typeLength), type);
  if (encoding !== "DELTA_BINARY_PACKED") throw new Error(`its numbers have the encoding ${encoding}`);
  const numbers = type === "INT32" ? new Int32Array(present) : new BigInt64Array(present);
  deltaBinaryUnpack(reader, present, numbers);
  return asNumbers(numbers, type);
}

function parquetType(type: string): ParquetType {
  for (const known of ["BOOLEAN", "INT32", "INT64", "FLOAT", "DOUBLE"] as const)
    if (known === type) return known;
  throw new Error(`a list has values of the type ${type}`);
}

function asNumbers(values: ArrayLike<unknown>, type: string): Numbers {
  if (type === "BOOLEAN" || type === "INT64" || !areNumbers(values)) return Float64Array.from(values, Number);
  return values;
}

function areNumbers(values: ArrayLike<unknown>): values is Numbers {
  return typeof values[0] === "number";
}
