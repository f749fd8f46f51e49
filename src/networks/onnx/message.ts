/** Reads protobuf messages field by field over protobufjs's reader, within a budget. Writes single fields. */

import protobuf from "protobufjs/minimal.js";
import { BatchwiseError, NetworkError, reasonOf } from "#src/base/errors.js";
import { isErrorNamed } from "#src/base/realm.js";
import { decodeElements, ELEMENT_BYTES } from "#src/files/formats/arrays.js";
import { MODEL } from "./proto.js";

/** Wire types of a field's value (protobuf.dev/programming-guides/encoding, "Message structure"). */
export const WIRE = { VARINT: 0, FIXED64: 1, BYTES: 2, FIXED32: 5 } as const;
type WireType = (typeof WIRE)[keyof typeof WIRE];
const WIRE_TYPES: readonly number[] = Object.values(WIRE);
const WIRE_TYPE_BITS = 3;
/** A varint has at most ten bytes of seven bits each. */
const MOST_VARINT_BITS = 70;

/** Most fields of all messages of a model. A layer takes about 30. An empty message takes 100 bytes of memory. */
const MAX_FIELDS = 50_000;

interface Scope {
  readonly path: string;
  readonly limit: number;
  fields: number;
}

export class Message {
  readonly #scope: Scope;
  readonly #reader: protobuf.Reader;
  /** Offset of the message's first byte in the file. */
  readonly #base: number;
  #wireType: number = WIRE.VARINT;
  /** True if the value of the current field was read. */
  #taken = true;

  private constructor(scope: Scope, bytes: Uint8Array, base: number) {
    this.#scope = scope;
    // protobufjs takes arrays of its own realm only, and buffers of any.
    this.#reader = protobuf.Reader.create(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    this.#base = base;
  }

  /** Message that is a whole file. `limit` bounds the fields of all messages within. */
  static ofFile(path: string, bytes: Uint8Array, limit = MAX_FIELDS): Message {
    return new Message({ path, limit, fields: 0 }, bytes, 0);
  }

  /** Yields the number of each field. A value that is not read before the next field is skipped. */
  *fields(): Generator<number> {
    while (this.#reader.pos < this.#reader.len) {
      this.#scope.fields += 1;
      const { limit } = this.#scope;
      if (this.#scope.fields > limit) throw this.#beyond("fields", limit);
      const tag = this.#read("the tag of a field", (reader) => reader.tag());
      this.#wireType = tag & (2 ** WIRE_TYPE_BITS - 1);
      const number = tag >>> WIRE_TYPE_BITS;
      // Groups (3 and 4), which could nest without end, were never part of ONNX.
      if (number === 0 || !WIRE_TYPES.includes(this.#wireType)) {
        throw this.#malformed("a field", `number ${number} of wire type ${this.#wireType}`);
      }
      this.#taken = false;
      yield number;
      if (!this.#taken) this.#read("a value", (reader) => reader.skipType(this.#wireType));
    }
  }

  get packed(): boolean {
    return this.#wireType === WIRE.BYTES;
  }

  /** The bytes of the message. */
  get whole(): Uint8Array {
    return this.#reader.buf.subarray(0, this.#reader.len);
  }

  /** Copies the current field; a field of a fixed size, which models and graphs do not have, is left out. */
  copyTo(writer: protobuf.Writer, field: number): void {
    if (this.#wireType === WIRE.BYTES) raw(writer, field, this.bytes());
    else if (this.#wireType === WIRE.VARINT) integer(writer, field, this.integer());
  }

  /** Reads an integer. Numbers beyond 2^53 become inexact; `Number.isSafeInteger` is false for them. */
  integer(): number {
    return this.#take(WIRE.VARINT, "a whole number", int64);
  }

  float(): number {
    return this.#take(WIRE.FIXED32, "a float", (reader) => reader.float());
  }

  /** Reads bytes, as a view of the file. */
  bytes(): Uint8Array {
    return this.#take(WIRE.BYTES, "a length and as many bytes", (reader) => reader.bytes());
  }

  text(): string {
    const bytes = this.bytes();
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.#malformed("a text in UTF-8", "other bytes");
    }
  }

  message(): Message {
    const bytes = this.bytes();
    return new Message(this.#scope, bytes, this.#base + this.#reader.pos - bytes.length);
  }

  /** Reads the whole message as integers without tags, as in a packed field; at most `limit` of them. */
  packedIntegers(limit: number, what: string): number[] {
    const values: number[] = [];
    this.eachInteger(limit, what, (value) => values.push(value));
    return values;
  }

  /** As `packedIntegers`, into memory of the caller's: an array of numbers takes far more than the file. */
  eachInteger(limit: number, what: string, use: (value: number, index: number) => void): void {
    this.#reader.pos = 0;
    for (let count = 0; this.#reader.pos < this.#reader.len; count++) {
      if (count === limit) throw this.#beyond(what, limit);
      use(this.#read("a whole number", int64), count);
    }
  }

  /**
   * Reads the whole message as integers of 16 bits without tags, at most `limit` of them. Without `into` it only checks and
   * counts them. One pass over the bytes: a file may have a hundred million.
   *
   * @param onWide throws the error for an integer of more bits
   */
  packedUint16s(limit: number, what: string, onWide: () => never, into?: Uint16Array): number {
    const bytes = this.#reader.buf;
    let [count, value, shift] = [0, 0, 0];
    for (let at = 0; at < this.#reader.len; at++) {
      const byte = bytes[at]!;
      const bits = byte & 0x7f;
      if (shift <= 14) value |= bits << shift;
      else if (bits > 0) value = 2 ** 16;
      shift += 7;
      if (byte >= 0x80 && shift < MOST_VARINT_BITS) continue;
      if (byte >= 0x80) throw this.#malformed("a whole number", "one of more than 10 bytes", at);
      if (count === limit) throw this.#beyond(what, limit);
      if (value >= 2 ** 16) onWide();
      if (into !== undefined) into[count] = value;
      count++;
      [value, shift] = [0, 0];
    }
    if (shift > 0) throw this.#malformed("a whole number", "the end of its message");
    return count;
  }

  /** Number of integers in a packed field: the last byte of each has no high bit. */
  countIntegers(): number {
    const bytes = this.#reader.buf;
    let count = 0;
    for (let at = 0; at < this.#reader.len; at++) if (bytes[at]! < 0x80) count++;
    return count;
  }

  /** Reads the current value as floats without tags, as in a packed field; at most `limit` of them. */
  packedFloats(limit: number, what: string): Float64Array {
    const bytes = this.bytes();
    if (bytes.length > limit * ELEMENT_BYTES.float32) throw this.#beyond(what, limit);
    if (bytes.length % ELEMENT_BYTES.float32 !== 0) {
      throw this.#malformed("floats of four bytes each", `${bytes.length} bytes`);
    }
    return decodeElements(bytes, "float32", true);
  }

  #take<T>(wireType: WireType, expected: string, read: (reader: protobuf.Reader) => T): T {
    if (this.#wireType !== wireType) throw this.#malformed(expected, `wire type ${this.#wireType}`);
    this.#taken = true;
    return this.#read(expected, read);
  }

  #read<T>(expected: string, read: (reader: protobuf.Reader) => T): T {
    const at = this.#reader.pos;
    try {
      return read(this.#reader);
    } catch (cause) {
      // protobufjs throws RangeErrors with offsets, and other errors in words.
      const found = isErrorNamed("RangeError", cause) ? "the end of its message" : reasonOf(cause);
      throw this.#malformed(expected, found, at, cause);
    }
  }

  #malformed(expected: string, found: string, at = this.#reader.pos, cause?: unknown): NetworkError {
    const facts = { path: this.#scope.path, offset: this.#base + at, expected, found };
    return new NetworkError("ERR_ONNX_MALFORMED", facts, { cause });
  }

  #beyond(what: string, limit: number): NetworkError {
    return new NetworkError("ERR_ONNX_LIMIT", { path: this.#scope.path, what, limit });
  }
}

function int64(reader: protobuf.Reader): number {
  const { high, low } = reader.int64();
  return high * 2 ** 32 + (low >>> 0);
}

const MODEL_FIELDS: ReadonlySet<number> = new Set(Object.values(MODEL));
/** Tag of `ir_version`, a varint, which every serializer writes first. */
const FIRST_TAG = tag(MODEL.irVersion, WIRE.VARINT);

/** True if the file's first fields are those of a model. ONNX has no magic number. */
export function looksLikeOnnx(bytes: Uint8Array): boolean {
  if (bytes[0] === FIRST_TAG) return true;
  try {
    for (const field of Message.ofFile("", bytes).fields()) {
      if (field === MODEL.graph) return true;
      if (!MODEL_FIELDS.has(field)) return false;
    }
  } catch (error) {
    if (!(error instanceof BatchwiseError)) throw error;
  }
  return false;
}

/** Number and wire type of a field, as they stand before its value. */
function tag(field: number, wireType: WireType): number {
  return (field << WIRE_TYPE_BITS) | wireType;
}

export function integer(writer: protobuf.Writer, field: number, value: number): void {
  writer.uint32(tag(field, WIRE.VARINT)).int64(value);
}

export function float(writer: protobuf.Writer, field: number, value: number): void {
  writer.uint32(tag(field, WIRE.FIXED32)).float(value);
}

export function text(writer: protobuf.Writer, field: number, value: string): void {
  writer.uint32(tag(field, WIRE.BYTES)).string(value);
}

export function message(
  writer: protobuf.Writer,
  field: number,
  write: (inner: protobuf.Writer) => void,
): void {
  write(writer.uint32(tag(field, WIRE.BYTES)).fork());
  writer.ldelim();
}

export function raw(writer: protobuf.Writer, field: number, value: Uint8Array): void {
  writer.uint32(tag(field, WIRE.BYTES)).bytes(value);
}
