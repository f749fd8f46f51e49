/** Reads the bytes of a pickle, forwards only. Every length is checked against the bytes that are left. */

import { NetworkError } from "#src/base/errors.js";

/** Limits far above any pickle of weights. A hostile one meets them before it costs memory or time. */
export const PICKLE_LIMITS = {
  /** An array takes about 40; an empty dict in a list costs two opcodes and 200 bytes of memory. */
  opcodes: 2 ** 17,
  stackValues: 10_000,
  memoEntries: 2 ** 16,
  /** Bytes of one text. Arrays of protocols 0 to 2 are texts. */
  textBytes: 2 ** 28,
  /** Bytes of a number or a name in a text protocol. */
  lineBytes: 1_000,
  integerBytes: 8,
  integerBits: 53,
} as const;

const NEWLINE = 0x0a;

export class ByteReader {
  readonly path: string;
  /** Whether integers beyond 53 bits, the seeds of random numbers, become NaN. Otherwise they are refused. */
  readonly hasLongIntegers: boolean;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;
  /** Offset of the end of the open frame (PEP 3154). */
  #frameEnd: number | undefined;
  #opcodeOffset = 0;

  constructor(path: string, bytes: Uint8Array, { hasLongIntegers = false } = {}) {
    this.path = path;
    this.hasLongIntegers = hasLongIntegers;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Offset of the current opcode, for messages. */
  get opcodeOffset(): number {
    return this.#opcodeOffset;
  }

  get leftBytes(): number {
    return this.#bytes.length - this.#position;
  }

  opcode(): number {
    if (this.#position === this.#frameEnd) this.#frameEnd = undefined;
    this.#opcodeOffset = this.#position;
    return this.u8();
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true);
  }

  /** Floats of pickles are big-endian; integers are not. */
  f64(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** Returns the next bytes as a view. Nothing is copied, and no memory is allocated for bytes that are not there. */
  take(length: number | bigint): Uint8Array {
    const begin = this.#advance(length);
    return this.#bytes.subarray(begin, this.#position);
  }

  /** `take` for bytes that are no part of the pickle: a frame ends before them. */
  takeOutside(length: number): Uint8Array {
    if (this.#position === this.#frameEnd) this.#frameEnd = undefined;
    return this.take(length);
  }

  /** Returns the bytes up to the next newline, which is read too but not returned. */
  line(limitBytes: number): Uint8Array {
    const end = this.#bytes.indexOf(NEWLINE, this.#position);
    if (end < 0) throw this.truncated(this.leftBytes + 1);
    if (end - this.#position > limitBytes) throw this.limit("bytes in a line", limitBytes);
    const line = this.take(end - this.#position);
    this.#advance(1);
    return line;
  }

  /** Opens a frame. An opcode must end where the frame ends. */
  frame(lengthBytes: bigint): void {
    if (this.#frameEnd !== undefined) throw this.malformed("the end of a frame", "a frame within it");
    if (lengthBytes > this.leftBytes) throw this.truncated(lengthBytes);
    this.#frameEnd = this.#position + Number(lengthBytes);
  }

  malformed(expected: string, found: string): NetworkError {
    const { path, opcodeOffset: offset } = this;
    return new NetworkError("ERR_PICKLE_MALFORMED", { path, offset, expected, found });
  }

  forbidden(name: string): NetworkError {
    return new NetworkError("ERR_PICKLE_FORBIDDEN", { path: this.path, name });
  }

  limit(what: string, limit: number): NetworkError {
    return new NetworkError("ERR_PICKLE_LIMIT", { path: this.path, what, limit });
  }

  truncated(neededBytes: number | bigint): NetworkError {
    const { path, leftBytes } = this;
    return new NetworkError("ERR_PICKLE_TRUNCATED", { path, offset: this.#position, neededBytes, leftBytes });
  }

  /** Moves over `length` bytes, which must be there and within the open frame. Returns their offset. */
  #advance(length: number | bigint): number {
    if (length > this.leftBytes) throw this.truncated(length);
    const begin = this.#position;
    const end = begin + Number(length);
    if (this.#frameEnd !== undefined && end > this.#frameEnd) {
      throw this.malformed("opcodes that end with their frame", "one that reaches past it");
    }
    this.#position = end;
    return begin;
  }
}

/** Opcodes that change the stack or the memo, protocols 0 to 5, by their names in Python's Lib/pickle.py. */
export const OP = {
  MARK: 0x28,
  STOP: 0x2e,
  POP: 0x30,
  POP_MARK: 0x31,
  DUP: 0x32,
  REDUCE: 0x52,
  APPEND: 0x61,
  BUILD: 0x62,
  GLOBAL: 0x63,
  BINPERSID: 0x51,
  DICT: 0x64,
  APPENDS: 0x65,
  GET: 0x67,
  BINGET: 0x68,
  INST: 0x69,
  LONG_BINGET: 0x6a,
  LIST: 0x6c,
  PUT: 0x70,
  BINPUT: 0x71,
  LONG_BINPUT: 0x72,
  SETITEM: 0x73,
  TUPLE: 0x74,
  SETITEMS: 0x75,
  PROTO: 0x80,
  NEWOBJ: 0x81,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  EMPTY_SET: 0x8f,
  ADDITEMS: 0x90,
  FROZENSET: 0x91,
  STACK_GLOBAL: 0x93,
  MEMOIZE: 0x94,
  FRAME: 0x95,
} as const;

/** Opcodes whose value follows them in the file. */
export const LITERAL = {
  EMPTY_TUPLE: 0x29,
  BINBYTES: 0x42,
  SHORT_BINBYTES: 0x43,
  FLOAT: 0x46,
  BINFLOAT: 0x47,
  INT: 0x49,
  BININT: 0x4a,
  BININT1: 0x4b,
  LONG: 0x4c,
  BININT2: 0x4d,
  NONE: 0x4e,
  STRING: 0x53,
  BINSTRING: 0x54,
  SHORT_BINSTRING: 0x55,
  UNICODE: 0x56,
  BINUNICODE: 0x58,
  EMPTY_LIST: 0x5d,
  EMPTY_DICT: 0x7d,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  LONG1: 0x8a,
  LONG4: 0x8b,
  SHORT_BINUNICODE: 0x8c,
  BINUNICODE8: 0x8d,
  BINBYTES8: 0x8e,
  BYTEARRAY8: 0x96,
} as const;

/** Opcodes that make objects or refer to something outside the file. No dict of arrays needs one. */
export const FORBIDDEN_OPCODES: ReadonlyMap<number, string> = new Map([
  [0x50, "a persistent object (PERSID)"],
  [0x51, "a persistent object (BINPERSID)"],
  [0x6f, "an object of a class (OBJ)"],
  [0x81, "an object of a class (NEWOBJ)"],
  [0x82, "an extension (EXT1)"],
  [0x83, "an extension (EXT2)"],
  [0x84, "an extension (EXT4)"],
  [0x8f, "a set (EMPTY_SET)"],
  [0x90, "a set (ADDITEMS)"],
  [0x91, "a set (FROZENSET)"],
  [0x92, "an object of a class (NEWOBJ_EX)"],
  [0x97, "a buffer outside the file (NEXT_BUFFER)"],
  [0x98, "a buffer outside the file (READONLY_BUFFER)"],
]);
