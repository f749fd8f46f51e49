/** The bytes of a pickle, read forwards only: every length is checked against the bytes left before it is believed. */
import { NetworkError } from "#src/base/errors.js";

/** No pickle of weights comes near these; hostile ones run into them before they cost memory or time. */
export const PICKLE_LIMITS = {
  /** An array takes some forty; a list of empty dicts costs two opcodes and two hundred bytes of memory each. */
  opcodes: 2 ** 17,
  stackValues: 10_000,
  memoEntries: 2 ** 16,
  /** One text; arrays of protocol 0 to 2 are texts. */
  textBytes: 2 ** 28,
  /** A number or a name in a text protocol. */
  lineBytes: 1_000,
  integerBytes: 8,
  integerBits: 53,
} as const;

const NEWLINE = 0x0a;

export class ByteReader {
  readonly path: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;
  /** Where the open frame ends (PEP 3154). */
  #frameEnd: number | undefined;
  #opcodeOffset = 0;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Offset of the opcode at work, which messages name. */
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

  /** The next bytes, as a view: nothing is copied, and nothing allocated for a length that is not there. */
  take(length: number | bigint): Uint8Array {
    const begin = this.#advance(length);
    return this.#bytes.subarray(begin, this.#position);
  }

  /** The bytes up to the next newline, which is read but not part of them. */
  line(limitBytes: number): Uint8Array {
    const end = this.#bytes.indexOf(NEWLINE, this.#position);
    if (end < 0) throw this.truncated(this.leftBytes + 1);
    if (end - this.#position > limitBytes) throw this.limit("bytes in a line", limitBytes);
    const line = this.take(end - this.#position);
    this.#advance(1);
    return line;
  }

  /** Opens a frame: an opcode must end where it ends. */
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

  /** Moves over `length` bytes that are there, and within the open frame; where they began. */
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
