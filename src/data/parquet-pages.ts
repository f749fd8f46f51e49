/** What the metadata and the pages of a Parquet file claim, weighed before hyparquet allocates memory for it. */

import type { PageHeader, SchemaTree } from "hyparquet";

/** Most bytes of a page, unpacked, and of the columns of a row group, packed or unpacked. */
const MAX_PAGE_BYTES = 2 ** 28;
export const MAX_GROUP_BYTES = 2 ** 29;
/** Most numbers of a row group, which take up to 40 bytes each, and most lists, which take up to 200. */
export const MAX_GROUP_VALUES = 2 ** 24;
const MAX_GROUP_LISTS = 2 ** 23;
const MAX_STRUCTS = 2 ** 20;
const MAX_DEPTH = 32;
const MAX_VARINT_BYTES = 10;
/** Most values with which a writer fills its last packed run. */
const MAX_FILLING = 504;

interface Reader {
  readonly view: DataView;
  offset: number;
}

function varint(reader: Reader): number {
  let number = 0;
  for (let n = 0; n < MAX_VARINT_BYTES; n++) {
    const byte = reader.view.getUint8(reader.offset++);
    number += (byte & 0x7f) * 2 ** (7 * n);
    if (byte < 0x80) return number;
  }
  throw new Error("a number has too many bytes");
}

/** Walks a struct of Thrift's compact protocol: hyparquet reserves a list's claimed length at once. */
export function assertThrift(view: DataView, offset: number): void {
  const reader = { view, offset };
  let structs = 0;

  function walkStruct(depth: number): void {
    if (depth > MAX_DEPTH) throw new Error(`its metadata nests deeper than ${MAX_DEPTH}`);
    if (++structs > MAX_STRUCTS) throw new Error(`its metadata has more than ${MAX_STRUCTS} parts`);
    for (;;) {
      const byte = view.getUint8(reader.offset++);
      if ((byte & 0x0f) === 0) return;
      if (byte >> 4 === 0) varint(reader);
      walkField(byte & 0x0f, depth);
    }
  }

  function walkField(type: number, depth: number): void {
    if (type === 1 || type === 2) return;
    if (type === 3) reader.offset++;
    else if (type >= 4 && type <= 6) varint(reader);
    else if (type === 7) reader.offset += 8;
    else if (type === 8) {
      const bytes = varint(reader);
      reader.offset += bytes;
    } else if (type === 9) walkList(depth + 1);
    else if (type === 12) walkStruct(depth + 1);
    else throw new Error(`its metadata has the type ${type}`);
  }

  function walkList(depth: number): void {
    if (depth > MAX_DEPTH) throw new Error(`its metadata nests deeper than ${MAX_DEPTH}`);
    const byte = view.getUint8(reader.offset++);
    const count = byte >> 4 === 15 ? varint(reader) : byte >> 4;
    if (count > view.byteLength - reader.offset) throw new Error(`its metadata claims a list of ${count}`);
    const type = byte & 0x0f;
    for (let n = 0; n < count; n++) walkField(type === 1 || type === 2 ? 3 : type, depth);
  }

  walkStruct(0);
}

export interface Column {
  readonly type: string;
  readonly typeLength: number | undefined;
  readonly isFlat: boolean;
  readonly maxRepetition: number;
  readonly maxDefinition: number;
  readonly unpack: (packed: Uint8Array, bytes: number) => Uint8Array;
}

export function columnOf(
  tree: SchemaTree,
  names: readonly string[],
  type: string,
  unpack: Column["unpack"],
): Column {
  const path = [tree];
  for (const name of names) {
    const child = path.at(-1)?.children.find(({ element }) => element.name === name);
    if (child === undefined) throw new Error("a column is not in the schema");
    path.push(child);
  }
  if (path.length < 2 || path.length > MAX_DEPTH) throw new Error(`a column lies ${path.length - 1} deep`);
  const [leaf] = path.slice(-1);
  const isRepeated = ({ element }: SchemaTree) => element.repetition_type === "REPEATED";
  return {
    type,
    typeLength: leaf?.element.type_length,
    isFlat: path.length === 2 && leaf !== undefined && !isRepeated(leaf) && leaf.children.length === 0,
    maxRepetition: path.filter(isRepeated).length,
    maxDefinition: path.slice(1).filter(({ element }) => element.repetition_type !== "REQUIRED").length,
    unpack,
  };
}

/** Weight of the pages of a column: bytes unpacked, and lists. */
export interface Weight {
  bytes: number;
  lists: number;
}

/** @param parse hyparquet's parser of the header of a page */
export function assertColumn(
  chunk: Uint8Array<ArrayBuffer>,
  values: number,
  column: Column,
  weight: Weight,
  parse: (reader: Reader) => PageHeader,
): void {
  const reader = { view: new DataView(chunk.buffer), offset: 0 };
  let dictionaries = 0;
  for (let left = values; (left > 0 || !column.isFlat) && reader.offset < chunk.length - 1; ) {
    assertThrift(reader.view, reader.offset);
    const header = parse(reader);
    const isDictionary = header.type === "DICTIONARY_PAGE";
    const claim = isDictionary
      ? header.dictionary_page_header
      : header.type === "DATA_PAGE_V2"
        ? header.data_page_header_v2
        : header.data_page_header;
    const count = claim?.num_values ?? -1;
    if (!(count >= 0)) throw new Error("a page states no number of values");
    const room = isDictionary ? values - dictionaries : left;
    if (count > room) throw new Error(`a page claims ${count} of ${room} values`);
    const [packed, unpacked] = [header.compressed_page_size, header.uncompressed_page_size];
    if (
      !(packed >= 0 && packed <= chunk.length - reader.offset && unpacked >= 0 && unpacked <= MAX_PAGE_BYTES)
    )
      throw new Error(`a page claims ${packed} bytes, ${unpacked} unpacked`);
    weight.bytes += unpacked;
    if (weight.bytes > MAX_GROUP_BYTES) throw new Error(`its pages claim ${weight.bytes} bytes unpacked`);
    const page = chunk.subarray(reader.offset, reader.offset + packed);
    reader.offset += packed;
    if (isDictionary) dictionaries += count;
    else {
      left -= count;
      assertPage(header, page, column, weight);
    }
  }
}

function assertPage(header: PageHeader, packed: Uint8Array, column: Column, weight: Weight): void {
  const { maxRepetition, maxDefinition, unpack } = column;
  const size = header.uncompressed_page_size;
  const second = header.type === "DATA_PAGE_V2" ? header.data_page_header_v2 : undefined;
  const first = header.data_page_header;
  if (second !== undefined) {
    const {
      num_values: values,
      num_nulls: nulls,
      num_rows: rows,
      repetition_levels_byte_length: repetition,
      definition_levels_byte_length: definition,
    } = second;
    const isWhole = [values, nulls, rows, repetition, definition].every((number) => number >= 0);
    if (
      !(
        isWhole &&
        nulls <= values &&
        rows <= values &&
        repetition + definition <= Math.min(size, packed.length)
      )
    )
      throw new Error(`a page claims ${rows} rows and ${nulls} nulls of ${values} values`);
    const levels = readerOf(packed);
    if (maxRepetition > 0) weighLists(values - runs(levels, maxRepetition, values, repetition), weight);
    levels.offset = repetition;
    if (maxDefinition > 0) runs(levels, maxDefinition, values, definition);
    const rest = packed.subarray(levels.offset);
    const bytes = size - repetition - definition;
    const page = second.is_compressed === false || bytes === 0 ? rest : unpack(rest, bytes);
    assertValues(readerOf(page), second.encoding, values - nulls, column);
  } else if (first !== undefined) {
    const reader = readerOf(unpack(packed, size));
    const values = first.num_values;
    if (maxRepetition > 0) weighLists(values - runs(reader, maxRepetition, values), weight);
    const present = maxDefinition > 0 ? runs(reader, maxDefinition, values) : values;
    assertValues(reader, first.encoding, present, column);
  }
}

const readerOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Reader => ({
  view: new DataView(buffer, byteOffset, byteLength),
  offset: 0,
});

function weighLists(lists: number, weight: Weight): void {
  weight.lists += lists;
  if (weight.lists > MAX_GROUP_LISTS) throw new Error(`its row group claims ${weight.lists} lists`);
}

function assertValues(reader: Reader, encoding: string | undefined, count: number, column: Column): void {
  const left = reader.view.byteLength - reader.offset;
  if (encoding === "RLE" && column.type === "BOOLEAN") runs(reader, 1, count);
  else if (encoding === "PLAIN_DICTIONARY" || encoding === "RLE_DICTIONARY" || encoding === "RLE") {
    const width = reader.view.getUint8(reader.offset++);
    if (width > 32) throw new Error(`a page claims indexes of ${width} bits`);
    walkRuns(reader, width, count, undefined);
  } else if (encoding === "DELTA_BINARY_PACKED" || encoding === "DELTA_LENGTH_BYTE_ARRAY") {
    const [block, parts] = [varint(reader), varint(reader)];
    if (!(parts > 0 && parts <= block && block <= 2 ** 16 && block % parts === 0))
      throw new Error(`a page claims blocks of ${block} values in ${parts} parts`);
  } else if (encoding === "PLAIN" || encoding === "BYTE_STREAM_SPLIT") {
    const bits = bitsOf(column);
    if (count * bits > left * 8) throw new Error(`a page claims ${count} values in ${left} bytes`);
  } else throw new Error(`its pages have the encoding ${encoding}`);
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

/** Reads levels. @returns how many are `max` */
function runs(reader: Reader, max: number, count: number, length?: number): number {
  const bytes = length ?? reader.view.getUint32(reader.offset, true);
  if (length === undefined) reader.offset += 4;
  const end = reader.offset + bytes;
  const found = walkRuns(reader, 32 - Math.clz32(max), count, max);
  if (end > reader.view.byteLength) throw new Error(`a page claims ${bytes} bytes of levels`);
  reader.offset = end;
  return found;
}

/** Walks runs of RLE as hyparquet does, which writes a run's claimed length without a bound. */
function walkRuns(reader: Reader, width: number, count: number, max: number | undefined): number {
  const { view } = reader;
  let found = 0;
  for (let seen = 0; seen < count; ) {
    const header = varint(reader);
    const left = count - seen;
    const length = Math.floor(header / 2);
    if (header % 2 === 0) {
      if (length > left) throw new Error(`a page claims a run of ${length} of ${left} values`);
      let value = 0;
      for (let n = 0; n < (width + 7) >> 3; n++) value |= view.getUint8(reader.offset++) << (8 * n);
      if (value === max) found += length;
      seen += length;
      continue;
    }
    if (length * 8 > left + MAX_FILLING)
      throw new Error(`a page claims a run of ${length * 8} of ${left} values`);
    const read = Math.min(left, length * 8);
    if (max !== undefined) {
      for (let n = 0, bit = reader.offset * 8; n < read; n++) {
        let value = 0;
        for (let m = 0; m < width; m++, bit++) value |= ((view.getUint8(bit >>> 3) >> (bit & 7)) & 1) << m;
        if (value === max) found++;
      }
    }
    reader.offset += length * width;
    seen += read;
  }
  return found;
}
