/** Opcodes of a pickle that are followed by their value: numbers, texts, bytes, and empty containers. */

import { isUtf8 } from "node:buffer";
import { finished, type Steps } from "#src/base/abort.js";
import { printable } from "#src/base/text.js";
import { type ByteReader, LITERAL, PICKLE_LIMITS } from "./reader.js";
import { PickledList, PickledTuple, type PickledValue } from "./values.js";

type ReadLiteral = (reader: ByteReader) => PickledValue;

export const LITERALS: ReadonlyMap<number, ReadLiteral> = new Map<number, ReadLiteral>([
  [LITERAL.NONE, () => null],
  [LITERAL.NEWTRUE, () => true],
  [LITERAL.NEWFALSE, () => false],
  [LITERAL.EMPTY_TUPLE, () => new PickledTuple([])],
  [LITERAL.EMPTY_LIST, () => new PickledList()],
  [LITERAL.EMPTY_DICT, () => new Map()],

  [LITERAL.BININT, (reader) => reader.i32()],
  [LITERAL.BININT1, (reader) => reader.u8()],
  [LITERAL.BININT2, (reader) => reader.u16()],
  [LITERAL.INT, integerOrTruthLine],
  [LITERAL.LONG, (reader) => decimal(reader, shortLine(reader).replace(/L$/, ""))],
  [LITERAL.LONG1, (reader) => twosComplement(reader, reader.u8())],
  [LITERAL.LONG4, (reader) => twosComplement(reader, signedLength(reader))],
  [LITERAL.BINFLOAT, (reader) => reader.f64()],
  [LITERAL.FLOAT, floatLine],

  [LITERAL.BINSTRING, (reader) => takeLatin1(reader, signedLength(reader))],
  [LITERAL.SHORT_BINSTRING, (reader) => takeLatin1(reader, reader.u8())],
  [LITERAL.SHORT_BINUNICODE, (reader) => takeUtf8(reader, reader.u8())],

  [LITERAL.BINBYTES, (reader) => reader.take(reader.u32())],
  [LITERAL.SHORT_BINBYTES, (reader) => reader.take(reader.u8())],
  [LITERAL.BINBYTES8, (reader) => reader.take(reader.u64())],
  // Python may change a bytearray; nothing here does.
  [LITERAL.BYTEARRAY8, (reader) => reader.take(reader.u64())],
]);

/** Texts that are decoded in steps: the elements of an array are one text in protocols 0 to 2. */
export const LONG_TEXTS: ReadonlyMap<number, (reader: ByteReader) => Steps<string>> = new Map([
  [LITERAL.STRING, quotedLine],
  [LITERAL.UNICODE, rawUnicodeLine],
  [LITERAL.BINUNICODE, (reader) => utf8(reader, takeText(reader, reader.u32()))],
  [LITERAL.BINUNICODE8, (reader) => utf8(reader, takeText(reader, reader.u64()))],
]);

/** Bytes of a text that take a few milliseconds. */
const STEP_BYTES = 2 ** 20;

/** Length that Python reads as signed. A damaged file can make it negative. */
function signedLength(reader: ByteReader): number {
  const length = reader.i32();
  if (length < 0) throw reader.malformed("a length", String(length));
  return length;
}

/** Index into the memo, as protocol 0 writes it. */
export function indexLine(reader: ByteReader): number {
  const text = shortLine(reader);
  if (!/^\d{1,10}$/.test(text)) throw reader.malformed("an index in digits", `"${printable(text)}"`);
  return Number(text);
}

/** Protocols 0 and 1 write True as `01` and False as `00`. */
function integerOrTruthLine(reader: ByteReader): number | boolean {
  const text = shortLine(reader);
  return text === "01" || text === "00" ? text === "01" : decimal(reader, text);
}

function decimal(reader: ByteReader, text: string): number {
  if (!/^-?\d+$/.test(text)) throw reader.malformed("an integer in digits", `"${printable(text)}"`);
  return exact(reader, Number(text));
}

/** Integer in little-endian two's complement of any length. No bytes mean 0. */
function twosComplement(reader: ByteReader, length: number): number {
  if (length > PICKLE_LIMITS.integerBytes) {
    if (reader.hasLongIntegers) return reader.take(length).length > 0 ? Number.NaN : 0;
    throw reader.limit("bytes in an integer", PICKLE_LIMITS.integerBytes);
  }
  const bits = reader.take(length).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  return exact(reader, Number(BigInt.asIntN(8 * length, bits)));
}

function exact(reader: ByteReader, value: number): number {
  if (reader.hasLongIntegers && !Number.isSafeInteger(value)) return Number.NaN;
  if (!Number.isSafeInteger(value)) throw reader.limit("bits in an integer", PICKLE_LIMITS.integerBits);
  return value;
}

const NON_FINITE: ReadonlyMap<string, number> = new Map([
  ["nan", Number.NaN],
  ["inf", Number.POSITIVE_INFINITY],
  ["-inf", Number.NEGATIVE_INFINITY],
]);

function floatLine(reader: ByteReader): number {
  const text = shortLine(reader);
  const value = NON_FINITE.get(text) ?? Number(text);
  if (text === "" || (Number.isNaN(value) && text !== "nan")) {
    throw reader.malformed("a number in digits", `"${printable(text)}"`);
  }
  return value;
}

const BACKSLASH = 0x5c;
/** Characters after a backslash in Python 2's repr of a str, besides `x` and two digits. It writes no octal. */
const SIMPLE_ESCAPES: ReadonlyMap<string, number> = new Map([
  ["\\", BACKSLASH],
  ["'", 0x27],
  ['"', 0x22],
  ["a", 0x07],
  ["b", 0x08],
  ["f", 0x0c],
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
  ["v", 0x0b],
]);

/** Text with one character per byte, as Python 3 reads Python 2's str with `encoding="latin1"`. */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

function takeLatin1(reader: ByteReader, length: number | bigint): string {
  return latin1(takeText(reader, length));
}

function takeUtf8(reader: ByteReader, length: number | bigint): string {
  return finished(utf8(reader, takeText(reader, length)));
}

function takeText(reader: ByteReader, length: number | bigint): Uint8Array {
  const bytes = reader.take(length);
  if (bytes.length > PICKLE_LIMITS.textBytes) throw reader.limit("bytes in a text", PICKLE_LIMITS.textBytes);
  return bytes;
}

function* utf8(reader: ByteReader, bytes: Uint8Array): Steps<string> {
  if (!isUtf8(bytes)) throw reader.malformed("a text in UTF-8", "other bytes");
  // A byte order mark is a character of the text here. A Buffer keeps it.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: string[] = [];
  for (let begin = 0, end = 0; begin < text.length; begin = end) {
    end = Math.min(begin + STEP_BYTES, text.length);
    while (isInsideCharacter(text[end])) end += 1;
    pieces.push(text.toString("utf8", begin, end));
    if (end < text.length) yield;
  }
  return pieces.join("");
}

/** Whether a byte of UTF-8 continues a character. */
function isInsideCharacter(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** Number or name: a short line of UTF-8. */
export function shortLine(reader: ByteReader): string {
  return finished(utf8(reader, reader.line(PICKLE_LIMITS.lineBytes)));
}

/** UNICODE: Latin-1; other characters are escapes of four (u) or eight (U) hexadecimal digits. */
function* rawUnicodeLine(reader: ByteReader): Steps<string> {
  const line = reader.line(PICKLE_LIMITS.textBytes);
  if (!line.includes(BACKSLASH)) return latin1(line);
  // An escape is never shorter than its characters: 6 bytes for one unit, 10 for at most two.
  const units = new Uint16Array(line.length);
  let length = 0;
  let at = 0;
  for (let step = STEP_BYTES; at < line.length; ) {
    if (at >= step) {
      step += STEP_BYTES;
      yield;
    }
    const byte = line[at] ?? 0;
    const digits = byte === BACKSLASH ? ESCAPE_DIGITS.get(line[at + 1] ?? 0) : undefined;
    if (digits !== undefined) {
      const point = hexadecimal(reader, line.subarray(at + 2, at + 2 + digits), digits);
      if (point > 0x10ffff) throw reader.malformed("a character of Unicode", `number ${point}`);
      for (const unit of unitsOf(point)) units[length++] = unit;
      at += 2 + digits;
    } else {
      units[length++] = byte;
      at += 1;
      // The second of two backslashes does not begin an escape.
      if (byte === BACKSLASH && line[at] === BACKSLASH) {
        units[length++] = BACKSLASH;
        at += 1;
      }
    }
  }
  return Buffer.from(units.buffer, 0, length * Uint16Array.BYTES_PER_ELEMENT).toString("utf16le");
}

/** Reads the digits of an escape: four for u, eight for U. */
const ESCAPE_DIGITS: ReadonlyMap<number, number> = new Map([
  [0x75, 4],
  [0x55, 8],
]);

function unitsOf(point: number): number[] {
  if (point < 0x10000) return [point];
  return [0xd800 + ((point - 0x10000) >> 10), 0xdc00 + ((point - 0x10000) & 0x3ff)];
}

/** STRING: Python 2's repr of a str, in quotes, with backslash escapes. */
function* quotedLine(reader: ByteReader): Steps<string> {
  const line = reader.line(PICKLE_LIMITS.textBytes);
  const quote = line[0];
  if (line.length < 2 || (quote !== 0x27 && quote !== 0x22) || line.at(-1) !== quote) {
    throw reader.malformed("a text in quotes", `"${printable(latin1(line.subarray(0, 20)))}"`);
  }
  const quoted = line.subarray(1, -1);
  const bytes = new Uint8Array(quoted.length);
  let length = 0;
  let at = 0;
  for (let step = STEP_BYTES; at < quoted.length; ) {
    if (at >= step) {
      step += STEP_BYTES;
      yield;
    }
    const byte = quoted[at] ?? 0;
    if (byte === BACKSLASH) {
      const meant = escaped(reader, quoted, at + 1);
      bytes[length++] = meant.byte;
      at = meant.next;
    } else {
      bytes[length++] = byte;
      at += 1;
    }
  }
  return latin1(bytes.subarray(0, length));
}

function escaped(reader: ByteReader, quoted: Uint8Array, at: number): { byte: number; next: number } {
  const letter = String.fromCharCode(quoted[at] ?? 0);
  if (letter === "x") {
    return { byte: hexadecimal(reader, quoted.subarray(at + 1, at + 3), 2), next: at + 3 };
  }
  const byte = SIMPLE_ESCAPES.get(letter);
  if (byte === undefined) throw reader.malformed("an escape of Python 2", `"\\${printable(letter)}"`);
  return { byte, next: at + 1 };
}

function hexadecimal(reader: ByteReader, bytes: Uint8Array, digits: number): number {
  const text = latin1(bytes);
  if (text.length !== digits || !/^[0-9a-fA-F]+$/.test(text)) {
    throw reader.malformed(`${digits} hexadecimal digits`, `"${printable(text)}"`);
  }
  return Number.parseInt(text, 16);
}
