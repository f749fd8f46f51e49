/** A Parquet file: its columns of images and labels, and its rows, one row group at a time. hyparquet decodes it. */

import { brotliDecompressSync, gunzipSync } from "node:zlib";
import type { AsyncBuffer, Compressors, FileMetaData, SchemaTree } from "hyparquet";
import { grouped } from "#src/base/errors/define.js";
import { BatchwiseError, DatasetError, reasonOf } from "#src/base/errors.js";
import { listed } from "#src/base/text.js";
import { type OpenFile, readInto } from "#src/files/read-file.js";
import { assertThrift, columnOf, MAX_GROUP_VALUES, type Page, pagesIn } from "./parquet-pages.js";
import { assertValues, type Column, MAX_GROUP_BYTES, type Weight } from "./parquet-values.js";

const MAX_METADATA_BYTES = 2 ** 26;
const END_BYTES = 8;

const IMAGE_NAMES = ["image", "img", "picture", "pixels", "x", "data"];
const LABEL_NAMES = ["label", "labels", "class", "target", "y", "digit"];

/** `pictures` are PNG or JPEG files in a column; `lists` are numbers. */
export type ImageKind = "pictures" | "lists";

export interface ParquetFile {
  readonly path: string;
  readonly metadata: FileMetaData;
  readonly total: number;
  /** Index of the first row of each group, and the total. */
  readonly starts: readonly number[];
  readonly images: { readonly name: string; readonly kind: ImageKind };
  /** Undefined where the file has no column of labels. */
  readonly label: string | undefined;
  /** Names of all columns. */
  readonly columns: readonly string[];
  /** Names of ClassLabel, by Hugging Face's `datasets`. */
  readonly classNames: readonly string[] | undefined;
}

/** A row: the bytes of a picture or nested lists of numbers, and a label. */
export interface ParquetRow {
  readonly image: unknown;
  readonly label: unknown;
}

const loadHyparquet = () => import("hyparquet");

/** @param labelColumn value of --label-column @throws DatasetError ERR_DATASET_FORMAT; FileError ERR_FILE_READ */
export async function readParquetFile(
  path: string,
  file: OpenFile,
  labelColumn?: string,
): Promise<ParquetFile> {
  const { parquetMetadataAsync, parquetSchema } = await loadHyparquet();
  const metadata = await decoded(path, async () => {
    const end = new Uint8Array(END_BYTES);
    await readInto(file, end, Math.max(0, file.sizeBytes - END_BYTES));
    const bytes = new DataView(end.buffer).getUint32(0, true);
    const room = file.sizeBytes - END_BYTES;
    if (bytes > Math.min(MAX_METADATA_BYTES, room))
      throw new Error(`its metadata claims ${grouped(bytes)} bytes`);
    const stated = new Uint8Array(bytes);
    await readInto(file, stated, room - bytes);
    assertThrift(new DataView(stated.buffer), 0);
    return parquetMetadataAsync(bufferOf(file), { geoparquet: false });
  });
  const tree = await decoded(path, async () => parquetSchema(metadata));
  const starts = [0];
  for (const { num_rows: rows } of metadata.row_groups) {
    const count = Number(rows);
    if (!Number.isSafeInteger(count) || count < 0) throw corrupt(path, `a row group claims ${rows} rows`);
    starts.push(starts.at(-1)! + count);
  }
  const columns = tree.children.map(({ element }) => element.name);
  // The type promises a name. The bytes of a stranger's file may lack it.
  if (columns.some((name) => typeof name !== "string")) throw corrupt(path, "a column has no name");
  const label = labelOf(path, columns, labelColumn);
  return {
    path,
    metadata,
    total: starts.at(-1)!,
    starts,
    images: imagesOf(path, tree, label),
    label,
    columns,
    classNames: label === undefined ? undefined : classNamesOf(metadata, label),
  };
}

function labelOf(path: string, columns: readonly string[], given: string | undefined): string | undefined {
  if (given === "none") return undefined;
  const name = given === "first" ? columns[0] : given === "last" ? columns.at(-1) : given;
  if (name === undefined) return LABEL_NAMES.find((one) => columns.includes(one));
  if (columns.includes(name)) return name;
  throw new DatasetError("ERR_DATASET_FORMAT", {
    path,
    expected: `a column "${name}"`,
    found: listed(columns),
    next: "set --label-column",
  });
}

function imagesOf(path: string, { children }: SchemaTree, label: string | undefined): ParquetFile["images"] {
  const found = children.flatMap((child) => {
    const kind = child.element.name === label ? undefined : kindOf(child);
    return kind === undefined ? [] : [{ name: child.element.name, kind }];
  });
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const named = IMAGE_NAMES.flatMap((name) => found.find((one) => one.name === name) ?? [])[0];
  if (named !== undefined) return named;
  throw new DatasetError("ERR_DATASET_FORMAT", {
    path,
    expected: `a column of pictures or pixels named ${IMAGE_NAMES.join(", ")}`,
    found: listed(children.map(({ element }) => element.name)),
    next: "rename the column to image",
  });
}

function kindOf({ element, children }: SchemaTree): ImageKind | undefined {
  if (element.type === "BYTE_ARRAY") return element.converted_type === "UTF8" ? undefined : "pictures";
  if (children.some((child) => child.element.name === "bytes" && child.element.type === "BYTE_ARRAY"))
    return "pictures";
  return element.converted_type === "LIST" || element.logical_type?.type === "LIST" ? "lists" : undefined;
}

/** `datasets` writes its features as JSON beside the schema. */
function classNamesOf(
  { key_value_metadata: pairs = [] }: FileMetaData,
  label: string,
): readonly string[] | undefined {
  const text = pairs.find(({ key }) => key === "huggingface")?.value;
  if (text === undefined) return undefined;
  try {
    const names: unknown = JSON.parse(text)?.info?.features?.[label]?.names;
    const isNamed =
      Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === "string");
    return isNamed ? names : undefined;
  } catch {
    return undefined;
  }
}

/** The rows of a group. Images in lists are left out. @throws DatasetError ERR_DATASET_FORMAT */
export async function readRows(
  file: ParquetFile,
  handle: OpenFile,
  group: number,
  labelled: boolean,
): Promise<readonly ParquetRow[]> {
  const { path, metadata, starts, images, label } = file;
  const count = starts[group + 1]! - starts[group]!;
  const areLabelsRead = labelled && label !== undefined;
  const columns = [...(images.kind === "pictures" ? [images.name] : []), ...(areLabelsRead ? [label] : [])];
  if (columns.length === 0)
    return Array.from({ length: count }, () => ({ image: undefined, label: undefined }));
  const rows = await decoded(path, async () => {
    const compressors = await compressorsFor(metadata);
    for await (const { pages, column, weight } of columnsOf(file, handle, group, columns, compressors)) {
      for (const page of pages) if ("reader" in page) assertValues(page, column, weight);
    }
    const { parquetReadObjects } = await loadHyparquet();
    const options = { file: bufferOf(handle), metadata, columns, utf8: false, compressors };
    return parquetReadObjects({ ...options, rowStart: starts[group]!, rowEnd: starts[group + 1]! });
  });
  if (rows.length !== count) throw corrupt(path, `row group ${group} has ${rows.length} rows, not ${count}`);
  return rows.map((row) => ({
    image: bytesOf(row[images.name]),
    label: areLabelsRead ? row[label] : undefined,
  }));
}

/** The pages of the images of a group, which are lists. @throws DatasetError ERR_DATASET_FORMAT */
export async function readListPages<T>(
  file: ParquetFile,
  handle: OpenFile,
  group: number,
  use: (column: OpenColumn) => T,
): Promise<T> {
  const { path, metadata, images } = file;
  return decoded(path, async () => {
    const compressors = await compressorsFor(metadata);
    const columns: OpenColumn[] = [];
    for await (const column of columnsOf(file, handle, group, [images.name], compressors))
      columns.push(column);
    const [only] = columns;
    if (only === undefined || columns.length > 1)
      throw new Error(`${images.name} has ${columns.length} columns of numbers`);
    return use(only);
  });
}

/** The column itself, or its `bytes`. */
function bytesOf(cell: unknown): unknown {
  return typeof cell === "object" && cell !== null && "bytes" in cell ? cell.bytes : cell;
}

export interface OpenColumn {
  readonly pages: Iterable<Page>;
  readonly column: Column;
  /** Weight of all columns of the group. */
  readonly weight: Weight;
  /** Numbers and nulls that the column claims, at most `MAX_GROUP_VALUES`. */
  readonly values: number;
}

/** The columns of a group under the given names; what they claim is weighed. */
async function* columnsOf(
  file: ParquetFile,
  handle: OpenFile,
  group: number,
  names: readonly string[],
  compressors: Compressors,
): AsyncGenerator<OpenColumn> {
  const { parquetHeader } = await import("hyparquet/src/column.js");
  const { decompressPage } = await import("hyparquet/src/datapage.js");
  const tree = (await loadHyparquet()).parquetSchema(file.metadata);
  const rows = file.starts[group + 1]! - file.starts[group]!;
  const weight = { bytes: 0, lists: 0 };
  let [groupBytes, groupValues] = [0, 0];
  const missing = new Set(names);
  for (const { meta_data: meta } of file.metadata.row_groups[group]!.columns) {
    if (meta === undefined) throw new Error("a column has no metadata");
    const [name = ""] = meta.path_in_schema;
    if (!names.includes(name)) continue;
    missing.delete(name);
    const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
    const [bytes, values] = [Number(meta.total_compressed_size), Number(meta.num_values)];
    groupBytes += bytes;
    groupValues += values;
    if (!(rows <= values)) throw new Error(`a row group claims ${rows} rows of ${values} values`);
    if (!(bytes >= 0 && start >= 0 && start + bytes <= handle.sizeBytes))
      throw new Error("a column lies outside the file");
    if (groupBytes > MAX_GROUP_BYTES || groupValues > MAX_GROUP_VALUES) {
      const next = "write smaller row groups: pyarrow's write_table(table, path, row_group_size=1000)";
      const found = `${grouped(groupValues)} values, ${grouped(groupBytes)} bytes`;
      const expected = `row groups of at most ${grouped(MAX_GROUP_VALUES)} values and ${grouped(MAX_GROUP_BYTES)} bytes`;
      throw new DatasetError("ERR_DATASET_FORMAT", { path: file.path, expected, found, next });
    }
    const chunk = new Uint8Array(bytes);
    await readInto(handle, chunk, start);
    const { codec } = meta;
    const column = columnOf(tree, meta.path_in_schema, meta.type, (packed, size) =>
      decompressPage(packed, size, codec, compressors),
    );
    yield { pages: pagesIn(chunk, values, column, weight, parquetHeader), column, weight, values };
  }
  if (missing.size > 0) throw new Error(`row group ${group} lacks the column ${listed([...missing])}`);
}

/** hyparquet unpacks Snappy itself. */
async function compressorsFor({ row_groups: groups }: FileMetaData): Promise<Compressors> {
  const isZstd = groups.some(({ columns }) => columns.some(({ meta_data: meta }) => meta?.codec === "ZSTD"));
  const zstd = isZstd ? await import("fzstd") : undefined;
  return {
    GZIP: (packed, bytes) => gunzipSync(packed, { maxOutputLength: Math.max(1, bytes) }),
    BROTLI: (packed, bytes) => brotliDecompressSync(packed, { maxOutputLength: Math.max(1, bytes) }),
    ...(zstd && {
      ZSTD: (packed: Uint8Array, bytes: number) => zstd.decompress(packed, new Uint8Array(bytes)),
    }),
  };
}

function bufferOf(handle: OpenFile): AsyncBuffer {
  return {
    byteLength: handle.sizeBytes,
    async slice(start, end = handle.sizeBytes) {
      const bytes = Math.min(end, handle.sizeBytes) - start;
      if (!(start >= 0 && bytes >= 0)) throw new Error("it points outside the file");
      const into = new Uint8Array(bytes);
      if ((await readInto(handle, into, start)) < bytes) throw new Error("it ended before its last page");
      return into.buffer;
    },
  };
}

async function decoded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BatchwiseError) throw error;
    throw corrupt(path, reasonOf(error), error);
  }
}

export function corrupt(path: string, reason: string, cause?: unknown): DatasetError {
  const next = "is it complete? write it again, by pyarrow or datasets";
  const facts = { path, expected: "a Parquet file", found: `one that cannot be decoded (${reason})`, next };
  return new DatasetError("ERR_DATASET_FORMAT", facts, { cause });
}

export const rowName = (path: string, index: number) => `${path}: row ${index}`;

export function fault(path: string, expected: string, found: string, next: string): DatasetError {
  return new DatasetError("ERR_DATASET_FORMAT", { path, expected, found, next });
}
