/** Reads safetensors: a JSON header, then tensors without holes or overlaps. As strict as the reference reader. */

import { shapeText } from "#src/base/errors/define.js";
import { NetworkError, reasonOf } from "#src/base/errors.js";
import { printable, valueText } from "#src/base/text.js";
import {
  checkedElements,
  ELEMENT_BYTES,
  type ElementType,
  MAX_DIMENSIONS,
  type NamedArray,
  storedArray,
} from "#src/files/formats/arrays.js";
import { scanJson } from "#src/files/scan-json.js";
import { isCounter } from "./state-dict.js";

export const LENGTH_BYTES = BigUint64Array.BYTES_PER_ELEMENT;
/** Longest header in bytes: MAX_HEADER_SIZE of the reference reader. */
const MAX_HEADER_BYTES = 100_000_000;
/** Depth of the header: header, tensor, shape. */
const MAX_DEPTH = 3;
/** Most entries of objects and arrays; a tensor has about seven. JSON.parse makes a value of each. */
const MAX_ENTRIES = 2 ** 17;
const METADATA_KEY = "__metadata__";

export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Offsets in bytes from the end of the header; `end` is exclusive. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: readonly TensorEntry[];
  readonly metadata: Map<string, string>;
  /** Offset of the first byte after the header. */
  readonly dataBegin: number;
}

/** @throws NetworkError ERR_SAFETENSORS_HEADER */
export function parseHeader(path: string, bytes: Uint8Array): SafetensorsHeader {
  const fault = (expected: string, found: string) =>
    new NetworkError("ERR_SAFETENSORS_HEADER", { path, expected, found });

  if (bytes.length < LENGTH_BYTES) throw fault("its length in 8 bytes", `a file of ${bytes.length}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  const mostBytes = Math.min(MAX_HEADER_BYTES, bytes.length - LENGTH_BYTES);
  if (length > mostBytes) throw fault(`at most ${mostBytes} bytes`, `a length of ${length}`);
  const dataBegin = LENGTH_BYTES + Number(length);
  const header = parseJson(bytes.subarray(LENGTH_BYTES, dataBegin), fault);

  const metadata = new Map<string, string>();
  const tensors: TensorEntry[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (!isObject(entry)) throw fault(`an object as "${printable(name)}"`, kindOf(entry));
    if (name === METADATA_KEY) {
      for (const [key, value] of Object.entries(entry)) {
        if (typeof value !== "string") throw fault(`a text as metadata "${printable(key)}"`, kindOf(value));
        metadata.set(key, value);
      }
    } else {
      tensors.push(tensorEntry(name, entry, fault));
    }
  }
  return { tensors, metadata, dataBegin };
}

type Fault = (expected: string, found: string) => NetworkError;

/** JSON.parse makes `__proto__` an ordinary property, and Object.entries does not read the prototype. */
function parseJson(bytes: Uint8Array, fault: Fault): object {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw fault("JSON in UTF-8", `other bytes (${reasonOf(cause)})`);
  }
  const scanned = scanJson(text, { depth: MAX_DEPTH, entries: MAX_ENTRIES, strict: true });
  if (scanned !== undefined) throw fault(scanned.expected, scanned.found);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fault("JSON", `a text that is not JSON (${printable(reasonOf(cause))})`);
  }
  if (!text.startsWith("{") || !isObject(value)) throw fault('an object, from "{" on', kindOf(value));
  return value;
}

function tensorEntry(name: string, entry: Readonly<Record<string, unknown>>, fault: Fault): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = entry;
  const known = `"${printable(name)}"`;
  if (typeof dtype !== "string") throw fault(`a text as dtype of ${known}`, kindOf(dtype));
  if (!isSizes(shape)) {
    const found = Array.isArray(shape)
      ? `a list with ${kindOf(shape.find((size) => !isSizes([size])))}`
      : kindOf(shape);
    throw fault(`a list of sizes as shape of ${known}`, found);
  }
  if (shape.length > MAX_DIMENSIONS) {
    throw fault(`at most ${MAX_DIMENSIONS} dimensions of ${known}`, String(shape.length));
  }
  const [begin, end, ...more] = isSizes(offsets) ? offsets : [];
  if (begin === undefined || end === undefined || more.length > 0 || end < begin) {
    throw fault(`[begin, end] as data_offsets of ${known}`, valueText(offsets));
  }
  return { name, dtype, shape, begin, end };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Sizes that a float64 holds exactly; JSON.parse rounds larger ones. */
function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function kindOf(value: unknown): string {
  if (value === undefined) return "none";
  if (typeof value === "string") return "a text";
  if (typeof value === "number") return `the number ${value}`;
  return Array.isArray(value) ? "a list" : `a value of type ${typeof value}`;
}

const DTYPES: ReadonlyMap<string, ElementType> = new Map([
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["F32", "float32"],
  ["F64", "float64"],
]);

/** Types of the numbers of batches that batch normalizations count, and that evaluation does not need. */
const COUNTERS: ReadonlyMap<string, "int32" | "int64"> = new Map([
  ["I32", "int32"],
  ["I64", "int64"],
]);
const BYTES = { ...ELEMENT_BYTES, int32: 4, int64: 8 } as const;

export interface SafetensorsFile {
  /** Tensors in the order of their data, without counters of batches. */
  readonly arrays: Map<string, NamedArray>;
  readonly metadata: Map<string, string>;
}

interface TensorRange {
  readonly name: string;
  readonly type: keyof typeof BYTES;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Returns the tensors of a safetensors file, row-major float64, and its metadata (github.com/huggingface/safetensors#format).
 * `path` is for messages.
 *
 * @throws NetworkError ERR_SAFETENSORS_HEADER, ERR_ARRAY_DTYPE, ERR_ARRAY_LAYOUT, ERR_WEIGHTS_SIZE.
 */
export function decodeSafetensors(path: string, bytes: Uint8Array): SafetensorsFile {
  const { tensors, metadata, dataBegin } = parseHeader(path, bytes);
  const ranges = tensors.map(({ name, dtype, shape, begin, end }): TensorRange => {
    const layer = printable(name);
    const type = DTYPES.get(dtype) ?? (isCounter(name) ? COUNTERS.get(dtype) : undefined);
    if (type === undefined) {
      const expected = [...DTYPES.keys()].join(", ");
      throw new NetworkError("ERR_ARRAY_DTYPE", { path, layer, expected, found: printable(dtype) });
    }
    const expectedBytes = checkedElements(path, shape) * BYTES[type];
    if (end - begin !== expectedBytes) {
      throw new NetworkError("ERR_ARRAY_LAYOUT", {
        path,
        layer,
        expected: `${expectedBytes} bytes for shape ${shapeText(shape)} of ${dtype}`,
        found: `data_offsets ${begin} to ${end}`,
      });
    }
    return { name, type, shape, begin, end };
  });
  ranges.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCover(path, ranges, bytes.length - dataBegin);

  const data = bytes.subarray(dataBegin);
  const arrays = new Map<string, NamedArray>();
  for (const { name, type, shape, begin, end } of ranges) {
    if (type === "int32" || type === "int64") continue;
    const elements = data.subarray(begin, end);
    arrays.set(name, storedArray(shape, elements, { type }));
  }
  return { arrays, metadata };
}

/** Checks that each tensor begins at the end of the one before it, and that the last ends with the file. */
function checkCover(path: string, ranges: readonly TensorRange[], dataBytes: number): void {
  let at = 0;
  for (const { name, begin, end } of ranges) {
    if (begin !== at) {
      throw new NetworkError("ERR_ARRAY_LAYOUT", {
        path,
        layer: printable(name),
        expected: `data without holes or overlaps, from byte ${at}`,
        found: `data_offsets ${begin} to ${end}`,
      });
    }
    at = end;
  }
  if (at !== dataBytes) {
    throw new NetworkError("ERR_SAFETENSORS_HEADER", {
      path,
      expected: `tensors of the ${dataBytes} bytes after it`,
      found: `tensors of ${at} bytes`,
    });
  }
}

/** Key and value of the metadata that mark files of Batchwise. */
export const FORMAT = "format";
export const OUR_FORMAT = "batchwise";
