/** The header of a safetensors file: its length, its JSON (each key once, nothing deep), its entries with checked types. */
import { NetworkError, reasonOf } from "#src/base/errors.js";
import { printable } from "#src/base/printable.js";
import { MAX_DIMENSIONS } from "#src/files/formats/arrays.js";
import { scanJson } from "#src/files/scan-json.js";

const LENGTH_BYTES = BigUint64Array.BYTES_PER_ELEMENT;
/** MAX_HEADER_SIZE of the reference reader. */
const MAX_HEADER_BYTES = 100_000_000;
/** Header, tensor, shape. */
const MAX_DEPTH = 3;
/** Entries of objects and arrays; some seven a tensor. JSON.parse makes a value of each. */
const MAX_ENTRIES = 2 ** 17;
const METADATA_KEY = "__metadata__";

export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Bytes from the first one behind the header; `end` is exclusive. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: readonly TensorEntry[];
  readonly metadata: Map<string, string>;
  /** Offset of the first byte behind the header. */
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

/** JSON.parse makes `__proto__` a property like any other, and Object.entries reads no prototype. */
function parseJson(bytes: Uint8Array, fault: Fault): object {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw fault("JSON in UTF-8", `other bytes (${reasonOf(cause)})`);
  }
  const scanned = scanJson(text, { depth: MAX_DEPTH, entries: MAX_ENTRIES });
  if (scanned !== undefined) throw fault(scanned.expected, scanned.found);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fault("JSON", `a text that is none (${printable(reasonOf(cause))})`);
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
    throw fault(`[begin, end] as data_offsets of ${known}`, printable(JSON.stringify(offsets) ?? "none"));
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
