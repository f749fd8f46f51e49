/** Reads the bytes of a pickle for its outline. */

/** Reads forwards. Beyond the end it returns zeros and sets a flag. */
export class OutlineReader {
  readonly #bytes: Uint8Array;
  position: number;

  constructor(bytes: Uint8Array, begin: number) {
    this.#bytes = bytes;
    this.position = begin;
  }

  get leftBytes(): number {
    return Math.max(0, this.#bytes.length - this.position);
  }

  get isAtEnd(): boolean {
    return this.position >= this.#bytes.length;
  }

  get isPastEnd(): boolean {
    return this.position > this.#bytes.length;
  }

  u8(): number {
    return this.integer(1);
  }

  /** Little-endian integer, unsigned except for four bytes, as BININT is. From 2^53 on the last digits are lost. */
  integer(countBytes: number): number {
    const bytes = this.take(countBytes);
    let value = 0;
    for (let at = bytes.length - 1; at >= 0; at -= 1) value = value * 256 + bytes[at]!;
    return countBytes === 4 && value >= 2 ** 31 ? value - 2 ** 32 : value;
  }

  take(countBytes: number): Uint8Array {
    const begin = this.position;
    this.position += countBytes;
    return this.#bytes.subarray(begin, this.position);
  }

  skip(countBytes: number): boolean {
    this.position += countBytes;
    return !this.isPastEnd;
  }

  /** Line without its newline. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.position);
    if (end < 0) {
      this.position = this.#bytes.length + 1;
      return "";
    }
    const text = Buffer.from(this.#bytes.subarray(this.position, end)).toString("latin1");
    this.position = end + 1;
    return text;
  }
}
