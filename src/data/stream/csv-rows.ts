/** Rows of a table of numbers as text: cells are scanned byte by byte, and no text is made of a cell that is a number. */

import { DatasetError } from "#src/base/errors.js";
import { printable } from "#src/base/text.js";
import { toPixel } from "#src/data/reading.js";

export const LF = 0x0a;
export const CR = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const WHITE = 255;
/** Digits that float64 holds exactly. */
const MOST_DIGITS = 15;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
/** Longest part of a cell in a message. */
const SHOWN = 20;

/** What a column holds. */
export const COLUMN = { pixel: 0, label: 1, skipped: 2 } as const;

export interface RowLayout {
  readonly path: string;
  /** One kind per column. */
  readonly kinds: readonly (typeof COLUMN)[keyof typeof COLUMN][];
  /** Byte between two cells. */
  readonly delimiter: number;
  /** Pixel value of white: 1 or 255. */
  readonly pixelMax: number;
  /** Label of a class name; a label is a number otherwise. */
  readonly classNames: readonly string[] | undefined;
}

/** Scans rows into pixels and labels. */
export class CsvRows {
  /** Label of the last row; 0 where the table has none. */
  label = 0;
  readonly #layout: RowLayout;
  readonly #kinds: Uint8Array;
  readonly #classes: ReadonlyMap<string, number>;
  /** End of the last cell that was scanned slowly. */
  #end = 0;
  #line = 0;

  constructor(layout: RowLayout) {
    this.#layout = layout;
    this.#kinds = Uint8Array.from(layout.kinds);
    this.#classes = new Map(layout.classNames?.map((name, label) => [name, label]));
  }

  /**
   * Scans the row that begins at `at`, and ends with a line feed. Returns the place behind it.
   *
   * @param out pixels of the row, from `to` on
   * @param line number of the row's line, from 1
   * @throws DatasetError ERR_CSV_ROW
   */
  scan(bytes: Uint8Array, at: number, out: Uint8Array, to: number, line: number): number {
    const { delimiter, pixelMax } = this.#layout;
    const kinds = this.#kinds;
    const begin = at;
    const last = kinds.length - 1;
    this.#line = line;
    for (let column = 0; column <= last; column++) {
      const start = at;
      let value = bytes[at]! - ZERO;
      let next: number;
      if (value >= 0 && value <= 9) {
        next = bytes[++at]!;
        while (next >= ZERO && next <= ZERO + 9) {
          value = value * 10 + next - ZERO;
          next = bytes[++at]!;
        }
      } else {
        next = -1;
      }
      if (next !== delimiter && next !== LF && next !== CR) {
        value = this.#slowCell(bytes, start, column, begin);
        at = this.#end;
        next = bytes[at]!;
      }
      const kind = kinds[column];
      if (kind === COLUMN.pixel) {
        if (pixelMax === WHITE && value <= WHITE && value === (value | 0) && value >= 0) out[to++] = value;
        else out[to++] = this.#pixelOf(value, column, bytes, start);
      } else if (kind === COLUMN.label) {
        if (!(value >= 0 && value <= WHITE && value === (value | 0))) {
          throw this.#cellFault(column, "a whole label from 0 to 255", bytes, start);
        }
        this.label = value;
      }
      if (column < last && next === delimiter) at++;
      else if (column < last || next === delimiter) throw this.#countFault(bytes, begin);
    }
    if (bytes[at] === CR) at++;
    if (bytes[at] !== LF) throw this.#countFault(bytes, begin);
    return at + 1;
  }

  #pixelOf(value: number, column: number, bytes: Uint8Array, start: number): number {
    const { pixelMax } = this.#layout;
    const pixel = toPixel(value, pixelMax);
    if (pixel >= 0) return pixel;
    const expected =
      pixelMax === WHITE ? "a whole number from 0 to 255" : "a number from 0 to 1 that is a byte ÷ 255";
    throw this.#cellFault(column, expected, bytes, start);
  }

  /** A cell with a point, a sign, an exponent, spaces, quotes or a text. */
  #slowCell(bytes: Uint8Array, start: number, column: number, begin: number): number {
    const { delimiter } = this.#layout;
    let at = start;
    while (bytes[at] === SPACE) at++;
    const isQuoted = bytes[at] === QUOTE;
    if (isQuoted) at++;
    const from = at;
    let until = at;
    if (isQuoted) {
      while (bytes[at] !== QUOTE && bytes[at] !== LF) at++;
      if (bytes[at] === LF) {
        throw this.#cellFault(column, "a quote at the end of the cell, on the same line", bytes, start);
      }
      until = at++;
      while (bytes[at] === SPACE) at++;
      if (!this.#isEnd(bytes[at]!)) throw this.#cellFault(column, "nothing behind the quote", bytes, start);
    } else {
      const fast = this.#kinds[column] === COLUMN.skipped ? Number.NaN : this.#decimal(bytes, from);
      if (this.#isEnd(bytes[this.#end]!) && this.#end > from && !Number.isNaN(fast)) return fast;
      while (bytes[at] !== delimiter && bytes[at] !== LF && bytes[at] !== CR) at++;
      until = at;
    }
    this.#end = at;
    if (this.#kinds[column] === COLUMN.skipped) return 0;
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + from, until - from)
      .toString("utf8")
      .trim();
    if (NUMBER.test(text)) return Number(text);
    const label = this.#kinds[column] === COLUMN.label ? this.#classes.get(text) : undefined;
    if (label !== undefined) return label;
    if (from === start && (bytes[start] === LF || (bytes[start] === CR && column === 0)) && start === begin) {
      throw this.#fault({ expected: this.#cells(), found: "an empty line" });
    }
    const isText = this.#kinds[column] === COLUMN.label && text !== "";
    const expected = isText ? "a whole label, or a class name of --classes" : "a number";
    throw this.#cellFault(column, expected, bytes, start);
  }

  #isEnd(byte: number): boolean {
    return byte === this.#layout.delimiter || byte === LF || byte === CR;
  }

  /** Digits with a point among them; NaN for a longer number. Leaves its end in `#end`. */
  #decimal(bytes: Uint8Array, from: number): number {
    let at = from;
    if (bytes[at] === PLUS) at++;
    let [value, digits, places] = [0, 0, 0];
    let isFraction = false;
    for (; ; at++) {
      const byte = bytes[at]!;
      if (byte === POINT && !isFraction) isFraction = true;
      else if (byte >= ZERO && byte <= ZERO + 9) {
        value = value * 10 + byte - ZERO;
        digits++;
        if (isFraction) places++;
      } else break;
    }
    this.#end = at;
    return digits === 0 || digits > MOST_DIGITS ? Number.NaN : value / POWERS[places]!;
  }

  #cells(): string {
    return `${this.#kinds.length} cells, as in the first row`;
  }

  #countFault(bytes: Uint8Array, begin: number): DatasetError {
    let cells = 1;
    let isQuoted = false;
    for (let at = begin; bytes[at] !== LF && at < bytes.length; at++) {
      if (bytes[at] === QUOTE) isQuoted = !isQuoted;
      else if (bytes[at] === this.#layout.delimiter && !isQuoted) cells++;
    }
    return this.#fault({ expected: this.#cells(), found: `${cells}` });
  }

  #cellFault(column: number, expected: string, bytes: Uint8Array, start: number): DatasetError {
    let end = start;
    while (end < bytes.length && !this.#isEnd(bytes[end]!)) end++;
    const text = Buffer.from(bytes.subarray(start, end)).toString("utf8").trim();
    const found = text === "" ? "an empty cell" : printable(text.slice(0, SHOWN));
    return this.#fault({ column: column + 1, expected, found });
  }

  #fault(facts: {
    readonly column?: number;
    readonly expected: string;
    readonly found: string;
  }): DatasetError {
    return new DatasetError("ERR_CSV_ROW", { path: this.#layout.path, line: this.#line, ...facts });
  }
}

/** The text of one cell of the row that begins at `at`, without quotes; empty if the row is shorter. */
export function cellAt(bytes: Buffer, at: number, column: number, delimiter: number): string {
  let isQuoted = false;
  let from = at;
  for (let n = 0; ; at++) {
    const byte = bytes[at] ?? LF;
    if (byte === QUOTE) isQuoted = !isQuoted;
    if (byte !== LF && (byte !== delimiter || isQuoted)) continue;
    if (n === column) break;
    if (byte === LF) return "";
    n++;
    from = at + 1;
  }
  const text = bytes.toString("utf8", from, at).trim();
  return text
    .replace(/^"([\s\S]*)"$/, "$1")
    .replaceAll('""', '"')
    .trim();
}

const POWERS = Float64Array.from({ length: MOST_DIGITS + 1 }, (_, places) => 10 ** places);
