/** Opcodes of a pickle that carry their value behind them: numbers, texts, bytes, and empty containers. */
import { printable } from "#src/base/printable.js";
import { LITERAL } from "./opcodes.js";
import { type ByteReader, PICKLE_LIMITS } from "./reader.js";
import { quotedLine, rawUnicodeLine, shortLine, takeLatin1, takeUtf8 } from "./text.js";
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

  [LITERAL.STRING, quotedLine],
  [LITERAL.BINSTRING, (reader) => takeLatin1(reader, signedLength(reader))],
  [LITERAL.SHORT_BINSTRING, (reader) => takeLatin1(reader, reader.u8())],
  [LITERAL.UNICODE, rawUnicodeLine],
  [LITERAL.BINUNICODE, (reader) => takeUtf8(reader, reader.u32())],
  [LITERAL.SHORT_BINUNICODE, (reader) => takeUtf8(reader, reader.u8())],
  [LITERAL.BINUNICODE8, (reader) => takeUtf8(reader, reader.u64())],

  [LITERAL.BINBYTES, (reader) => reader.take(reader.u32())],
  [LITERAL.SHORT_BINBYTES, (reader) => reader.take(reader.u8())],
  [LITERAL.BINBYTES8, (reader) => reader.take(reader.u64())],
  // A bytearray may be changed in Python; nothing here writes to one.
  [LITERAL.BYTEARRAY8, (reader) => reader.take(reader.u64())],
]);

/** A length that Python reads as signed, and that a damaged file can make negative. */
function signedLength(reader: ByteReader): number {
  const length = reader.i32();
  if (length < 0) throw reader.malformed("a length", String(length));
  return length;
}

/** Index of the memo, as protocol 0 writes it. */
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

/** Little-endian two's complement of any length; no bytes mean 0. */
function twosComplement(reader: ByteReader, length: number): number {
  if (length > PICKLE_LIMITS.integerBytes) {
    throw reader.limit("bytes in an integer", PICKLE_LIMITS.integerBytes);
  }
  const bits = reader.take(length).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  return exact(reader, Number(BigInt.asIntN(8 * length, bits)));
}

function exact(reader: ByteReader, value: number): number {
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
