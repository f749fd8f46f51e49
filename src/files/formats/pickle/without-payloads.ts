/** Takes the long byte strings out of a pickle in a file, so that the arrays need not be in memory. */

import { type OpenFile, readInto } from "#src/files/read-file.js";
import { LITERAL, OP, PICKLE_LIMITS } from "./reader.js";

/** Byte strings of fewer bytes stay. Python writes longer ones outside its frames. */
const LONG_BYTES = 2 ** 16;
/** Most bytes of what remains. */
const MOST_BYTES = 2 ** 24;
const WINDOW_BYTES = 2 ** 16;
const LONGEST_LINE = 1_000;
/** Bytes that stand for a string that was taken out. */
const STAND_IN = 8;
const NEWLINE = 0x0a;

/** Where a byte string is in the file. */
export interface Payload {
  readonly begin: number;
  readonly bytes: number;
}

export interface ShortPickle {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Strings that were taken out, by the place in `bytes` of the eight bytes that stand for each. */
  readonly payloads: ReadonlyMap<number, Payload>;
}

/** Bytes of an argument of fixed length (Lib/pickletools.py). */
const FIXED: ReadonlyMap<number, number> = new Map([
  ...[OP.PROTO, OP.BINGET, OP.BINPUT, LITERAL.BININT1, 0x82].map((opcode) => [opcode, 1] as const),
  ...[LITERAL.BININT2, 0x83].map((opcode) => [opcode, 2] as const),
  ...[OP.LONG_BINGET, OP.LONG_BINPUT, LITERAL.BININT, 0x84].map((opcode) => [opcode, 4] as const),
  [LITERAL.BINFLOAT, 8],
  [OP.FRAME, 8],
]);
/** Bytes of the length before an argument. */
const LENGTHS: ReadonlyMap<number, number> = new Map([
  ...[LITERAL.SHORT_BINBYTES, LITERAL.SHORT_BINSTRING, LITERAL.SHORT_BINUNICODE, LITERAL.LONG1].map(
    (opcode) => [opcode, 1] as const,
  ),
  ...[LITERAL.BINBYTES, LITERAL.BINSTRING, LITERAL.BINUNICODE, LITERAL.LONG4].map(
    (opcode) => [opcode, 4] as const,
  ),
  ...[LITERAL.BINBYTES8, LITERAL.BINUNICODE8, LITERAL.BYTEARRAY8].map((opcode) => [opcode, 8] as const),
]);
const BYTE_STRINGS: ReadonlySet<number> = new Set([LITERAL.BINBYTES, LITERAL.BINBYTES8, LITERAL.BYTEARRAY8]);
/** Lines of an argument. */
const LINES: ReadonlyMap<number, number> = new Map([
  [OP.GLOBAL, 2],
  [OP.INST, 2],
  ...[OP.GET, OP.PUT, LITERAL.INT, LITERAL.LONG, LITERAL.FLOAT, LITERAL.STRING, LITERAL.UNICODE, 0x50].map(
    (opcode) => [opcode, 1] as const,
  ),
]);

/**
 * The pickle without its long byte strings. Undefined where it has none, or where anything about it is unusual: then the whole
 * file is read, and its fault is found there.
 */
export async function withoutPayloads(file: OpenFile): Promise<ShortPickle | undefined> {
  let kept = new Uint8Array(WINDOW_BYTES);
  const payloads = new Map<number, Payload>();
  let keptBytes = 0;
  let [window, begin, position, frameEnd] = [new Uint8Array(), 0, 0, 0];

  function keep(bytes: Uint8Array): void {
    if (keptBytes + bytes.length > kept.length) {
      const longer = new Uint8Array(2 * (keptBytes + bytes.length));
      longer.set(kept);
      kept = longer;
    }
    kept.set(bytes, keptBytes);
    keptBytes += bytes.length;
  }

  /** The next bytes, which are kept; undefined at the end of the file, or where too many are kept. */
  async function take(count: number): Promise<Uint8Array | undefined> {
    if (count > file.sizeBytes - position || keptBytes + count > MOST_BYTES) return undefined;
    if (position < begin || position + count > begin + window.length) {
      begin = position;
      window = new Uint8Array(Math.min(Math.max(count, WINDOW_BYTES), file.sizeBytes - begin));
      if ((await readInto(file, window, begin)) < window.length) return undefined;
    }
    const bytes = window.subarray(position - begin, position - begin + count);
    position += count;
    keep(bytes);
    return bytes;
  }

  async function takeLine(): Promise<boolean> {
    for (let n = 0; n < LONGEST_LINE; n++) {
      const byte = await take(1);
      if (byte === undefined) return false;
      if (byte[0] === NEWLINE) return true;
    }
    return false;
  }

  async function takeArgument(opcode: number): Promise<boolean> {
    const lengthBytes = LENGTHS.get(opcode);
    if (lengthBytes === undefined) {
      const argument = await take(FIXED.get(opcode) ?? 0);
      if (opcode === OP.FRAME && argument !== undefined) frameEnd = position + lengthIn(argument);
      for (let lines = LINES.get(opcode) ?? 0; lines > 0; lines--) if (!(await takeLine())) return false;
      return argument !== undefined;
    }
    const field = await take(lengthBytes);
    if (field === undefined) return false;
    const length = lengthIn(field);
    if (!BYTE_STRINGS.has(opcode) || length < LONG_BYTES) return (await take(length)) !== undefined;
    if (position < frameEnd || length > file.sizeBytes - position) return false;
    keptBytes -= lengthBytes;
    keep(Uint8Array.from(field, (_, n) => (n === 0 ? STAND_IN : 0)));
    payloads.set(keptBytes, { begin: position, bytes: length });
    keep(new Uint8Array(STAND_IN));
    position += length;
    return true;
  }

  for (let opcodes = 0; ; opcodes++) {
    const opcode = (await take(1))?.[0];
    if (opcode === OP.STOP) break;
    if (opcode === undefined || opcodes === PICKLE_LIMITS.opcodes) return undefined;
    if (!(await takeArgument(opcode))) return undefined;
  }
  if (position !== file.sizeBytes || payloads.size === 0) return undefined;
  return { bytes: kept.subarray(0, keptBytes), payloads };
}

/** Little-endian. From 2^53 on the last digits are lost; no file is as long. */
function lengthIn(field: Uint8Array): number {
  return field.reduceRight((sum, byte) => sum * 256 + byte, 0);
}
