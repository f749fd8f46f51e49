/** What the metadata and the pages of a Parquet file claim, weighed before hyparquet allocates memory for it. */

import type { PageHeader, SchemaTree } from "hyparquet";
import {
  type Column,
  MAX_GROUP_BYTES,
  type PageValues,
  type Reader,
  readerOf,
  runs,
  varint,
  type Weight,
} from "./parquet-values.js";

/** Most bytes of a page, unpacked. */
const MAX_PAGE_BYTES = 2 ** 28;
/** Most numbers of a row group, which take up to 40 bytes each, and most lists, which take up to 200. */
export const MAX_GROUP_VALUES = 2 ** 24;
const MAX_GROUP_LISTS = 2 ** 23;
const MAX_STRUCTS = 2 ** 20;
const MAX_DEPTH = 32;

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

/** A page of values: its levels were read, and `reader` is at the values. */
export interface DataPage extends PageValues {
  readonly count: number;
  /** Levels at which each value begins a list; undefined in a column without lists. */
  readonly repetition: Uint8Array | undefined;
  /** Index of the first value that is null; undefined where none is. */
  readonly firstNull: number | undefined;
}

/** The bytes of a page of distinct values, unpacked when they are read. */
export interface DictionaryPage {
  readonly dictionary: () => Reader;
  readonly count: number;
}

export type Page = DataPage | DictionaryPage;

/**
 * Walks the pages of a column. What a page claims is weighed before memory is allocated for it.
 *
 * @param parse hyparquet's parser of the header of a page
 */
export function* pagesIn(
  chunk: Uint8Array<ArrayBuffer>,
  values: number,
  column: Column,
  weight: Weight,
  parse: (reader: Reader) => PageHeader,
): Generator<Page> {
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
    if (isDictionary) {
      dictionaries += count;
      yield { count, dictionary: () => readerOf(column.unpack(page, unpacked)) };
    } else {
      left -= count;
      yield* pageOf(header, page, column, weight);
    }
  }
}

function* pageOf(
  header: PageHeader,
  packed: Uint8Array,
  { maxRepetition, maxDefinition, unpack }: Column,
  weight: Weight,
): Generator<DataPage> {
  const size = header.uncompressed_page_size;
  const second = header.type === "DATA_PAGE_V2" ? header.data_page_header_v2 : undefined;
  const first = header.data_page_header;
  if (second !== undefined) {
    const {
      num_values: count,
      num_nulls: nulls,
      num_rows: rows,
      repetition_levels_byte_length: repetitionBytes,
      definition_levels_byte_length: definitionBytes,
    } = second;
    const isWhole = [count, nulls, rows, repetitionBytes, definitionBytes].every((number) => number >= 0);
    if (
      !(
        isWhole &&
        nulls <= count &&
        rows <= count &&
        repetitionBytes + definitionBytes <= Math.min(size, packed.length)
      )
    )
      throw new Error(`a page claims ${rows} rows and ${nulls} nulls of ${count} values`);
    const levels = readerOf(packed);
    const repetition = maxRepetition > 0 ? runs(levels, maxRepetition, count, repetitionBytes) : undefined;
    weighLists(repetition, maxRepetition, weight);
    levels.offset = repetitionBytes;
    const definition = maxDefinition > 0 ? runs(levels, maxDefinition, count, definitionBytes) : undefined;
    const { firstNull } = nullsOf(definition, maxDefinition, count);
    const rest = packed.subarray(repetitionBytes + definitionBytes);
    const bytes = size - repetitionBytes - definitionBytes;
    const page = second.is_compressed === false || bytes === 0 ? rest : unpack(rest, bytes);
    const { encoding } = second;
    yield { count, repetition, firstNull, present: count - nulls, encoding, reader: readerOf(page) };
  } else if (first !== undefined) {
    const reader = readerOf(unpack(packed, size));
    const count = first.num_values;
    const repetition = maxRepetition > 0 ? runs(reader, maxRepetition, count) : undefined;
    weighLists(repetition, maxRepetition, weight);
    const definition = maxDefinition > 0 ? runs(reader, maxDefinition, count) : undefined;
    const nulls = nullsOf(definition, maxDefinition, count);
    yield { count, repetition, ...nulls, encoding: first.encoding, reader };
  }
}

function nullsOf(
  definition: Uint8Array | undefined,
  max: number,
  count: number,
): Pick<DataPage, "firstNull" | "present"> {
  const firstNull = definition?.findIndex((level) => level !== max) ?? -1;
  if (definition === undefined || firstNull < 0) return { firstNull: undefined, present: count };
  let present = 0;
  for (const level of definition) if (level === max) present++;
  return { firstNull, present };
}

function weighLists(repetition: Uint8Array | undefined, max: number, weight: Weight): void {
  if (repetition === undefined) return;
  for (const level of repetition) if (level !== max) weight.lists++;
  if (weight.lists > MAX_GROUP_LISTS) throw new Error(`its row group claims ${weight.lists} lists`);
}
