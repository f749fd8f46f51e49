/** Bytes of an HDF5 file: every read is checked against the range that it may touch, and all work is counted. */

import { FileError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";

/** Every address and length is a u64 in files that h5py writes. An undefined address is all ones. */
const UNDEFINED_ADDRESS = 2n ** 64n - 1n;
/** Most messages, links, nodes and heap objects that are read. A network of 1,000 layers takes some 50,000. */
const MAX_STEPS = 1_000_000;
/** Most bytes of all texts together. `model_config` of a large network is a few megabytes long. */
const MAX_TEXT_BYTES = 2 ** 26;

/** An HDF5 file in memory, with what was spent on reading it. */
export class Hdf5Bytes {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  #steps = 0;
  #textBytes = 0;

  constructor(path: string, bytes: Uint8Array) {
    this.path = path;
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Reader of `length` bytes from `at` on. @throws FileError ERR_HDF5_MALFORMED if they are not in the file */
  cursor(at: number, length: number): Cursor {
    if (at + length > this.bytes.length) {
      throw this.malformed(at, `${length} bytes`, `${Math.max(0, this.bytes.length - at)}`);
    }
    return new Cursor(this, at, at + length);
  }

  /** Counts work. @throws FileError ERR_HDF5_LIMIT */
  step(count = 1): void {
    this.#steps += count;
    if (this.#steps > MAX_STEPS) throw this.#limit("messages, links and nodes", MAX_STEPS);
  }

  /** Counts text, which many references to one place could repeat. @throws FileError ERR_HDF5_LIMIT */
  spendText(lengthBytes: number): void {
    this.#textBytes += lengthBytes;
    if (this.#textBytes > MAX_TEXT_BYTES) throw this.#limit("bytes of text", MAX_TEXT_BYTES);
  }

  #limit(what: string, limit: number): FileError {
    return new FileError("ERR_HDF5_LIMIT", { path: this.path, what, limit });
  }

  malformed(offset: number, expected: string, found: string): FileError {
    return new FileError("ERR_HDF5_MALFORMED", { path: this.path, offset, expected, found });
  }

  unsupported(found: string): FileError {
    return new FileError("ERR_HDF5_UNSUPPORTED", { path: this.path, found });
  }
}

/** Reads fields, little-endian, one after the other. */
export class Cursor {
  readonly file: Hdf5Bytes;
  readonly end: number;
  at: number;

  constructor(file: Hdf5Bytes, at: number, end: number) {
    this.file = file;
    this.at = at;
    this.end = end;
  }

  get leftBytes(): number {
    return this.end - this.at;
  }

  /** Offset of the next `length` bytes, which are then behind the cursor. */
  #take(length: number): number {
    const { at } = this;
    if (length > this.leftBytes) {
      throw this.file.malformed(at, `${length} more bytes`, `${this.leftBytes} in this part of the file`);
    }
    this.at += length;
    return at;
  }

  u8(): number {
    return this.file.view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.file.view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.file.view.getUint32(this.#take(4), true);
  }

  /** A count or a size. @throws FileError ERR_HDF5_MALFORMED if it is too large to be exact */
  u64(): number {
    const value = this.address();
    if (value === undefined) throw this.file.malformed(this.at - 8, "a number below 2^53", "all ones");
    return value;
  }

  /** An offset in the file; undefined if the field is all ones. */
  address(): number | undefined {
    const at = this.#take(8);
    const value = this.file.view.getBigUint64(at, true);
    if (value === UNDEFINED_ADDRESS) return undefined;
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.file.malformed(at, "a number below 2^53", `${value}`);
    }
    return Number(value);
  }

  /** An offset that must be there. */
  definedAddress(what: string): number {
    const { at } = this;
    const address = this.address();
    if (address === undefined) throw this.file.malformed(at, `the address of ${what}`, "none");
    return address;
  }

  /** A number of 1, 2, 4 or 8 bytes, as two bits of flags choose it. */
  sized(bits: number): number {
    return [() => this.u8(), () => this.u16(), () => this.u32(), () => this.u64()][bits & 3]!();
  }

  skip(length: number): void {
    this.#take(length);
  }

  /** Skips to the next multiple of eight bytes from `from` on, or to the end. */
  align(from: number): void {
    this.skip(Math.min(this.leftBytes, (8 - ((this.at - from) % 8)) % 8));
  }

  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.file.bytes.subarray(at, at + length);
  }

  /** A text of `length` bytes, up to its first zero. */
  text(length: number): string {
    this.file.spendText(length);
    const bytes = this.bytes(length);
    const zeroAt = bytes.indexOf(0);
    return Buffer.from(zeroAt < 0 ? bytes : bytes.subarray(0, zeroAt)).toString("utf8");
  }

  /** @throws FileError ERR_HDF5_MALFORMED if the next bytes are not the letters of this part of the file */
  signature(letters: string): void {
    const { at } = this;
    const found = Buffer.from(this.bytes(letters.length)).toString("latin1");
    if (found !== letters) throw this.file.malformed(at, `"${printable(letters)}"`, `"${printable(found)}"`);
  }

  /** @throws FileError ERR_HDF5_UNSUPPORTED for a version that is not known */
  version(what: string, known: readonly number[]): number {
    const version = this.u8();
    if (!known.includes(version)) throw this.file.unsupported(`${what} of version ${version}`);
    return version;
  }
}
