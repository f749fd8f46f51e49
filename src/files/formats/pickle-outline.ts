/** Outline of a pickle, for messages: its containers, arrays and classes. Nothing is imported or called. */
import { OutlineReader } from "./pickle-outline-reader.js";
import { type Outline, OutlineStack } from "./pickle-outline-stack.js";

export type { Outline } from "./pickle-outline-stack.js";

export interface PickleOutline {
  /** The value; undefined if the bytes end before it is whole, or are not a pickle. */
  readonly value: Outline | undefined;
  /** Classes and functions that the pickle names, as `module.name`, in order. */
  readonly globals: readonly string[];
  /** Shape of the first array, also if the pickle is cut. */
  readonly firstShape: readonly number[] | undefined;
  /** Offset of the end of its last opcode. */
  readonly endBytes: number;
}

/** Most opcodes. No outline for a message needs more; a hostile file stops here. */
const MAX_OPCODES = 2 ** 17;

/** Opcodes whose argument is only skipped or kept: bytes of its length field, or of itself (Lib/pickletools.py). */
const FIXED: ReadonlyMap<number, number> = new Map([
  [0x80, 1], // PROTO
  [0x95, 8], // FRAME
  [0x82, 1], // EXT1
  [0x83, 2], // EXT2
  [0x84, 4], // EXT4
]);
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [0x54, 4], // BINSTRING
  [0x55, 1], // SHORT_BINSTRING
  [0x58, 4], // BINUNICODE
  [0x8c, 1], // SHORT_BINUNICODE
  [0x8d, 8], // BINUNICODE8
  [0x42, 4], // BINBYTES
  [0x43, 1], // SHORT_BINBYTES
  [0x8e, 8], // BINBYTES8
  [0x96, 8], // BYTEARRAY8
  [0x8a, 1], // LONG1
  [0x8b, 4], // LONG4
]);
const TEXTS = new Set([0x54, 0x55, 0x58, 0x8c, 0x8d]);
const INTEGERS: ReadonlyMap<number, number> = new Map([
  [0x4a, 4], // BININT
  [0x4b, 1], // BININT1
  [0x4d, 2], // BININT2
]);
/** Longest text in characters that is kept: a name or a short value. */
const MAX_TEXT_BYTES = 200;
const STOP = 0x2e;

/** Returns the outline of the pickle that begins at `begin`. Never throws. */
export function outlinePickle(bytes: Uint8Array, begin = 0): PickleOutline {
  const stack = new OutlineStack();
  const reader = new OutlineReader(bytes, begin);
  let value: Outline | undefined;
  for (let count = 0; count < MAX_OPCODES && !reader.isAtEnd; count += 1) {
    const opcode = reader.u8();
    if (opcode === STOP) {
      value = stack.last();
      break;
    }
    if (!step(opcode, reader, stack)) break;
  }
  return { value, globals: stack.globals, firstShape: stack.firstShape, endBytes: reader.position };
}

/** False if the opcode does not exist, or reaches beyond the end. */
function step(opcode: number, reader: OutlineReader, stack: OutlineStack): boolean {
  const skipped = FIXED.get(opcode);
  if (skipped !== undefined) {
    if (opcode >= 0x82 && opcode <= 0x84) stack.push({ kind: "other", what: "an extension" });
    return reader.skip(skipped);
  }
  const integerBytes = INTEGERS.get(opcode);
  if (integerBytes !== undefined) {
    stack.push({ kind: "number", value: reader.integer(integerBytes) });
    return !reader.isPastEnd;
  }
  const lengthBytes = LENGTHS.get(opcode);
  if (lengthBytes !== undefined) return counted(opcode, reader.integer(lengthBytes), reader, stack);
  return stack.operate(opcode, reader) && !reader.isPastEnd;
}

function counted(opcode: number, length: number, reader: OutlineReader, stack: OutlineStack): boolean {
  if (!(length >= 0 && length <= reader.leftBytes)) {
    reader.skip(reader.leftBytes + 1);
    return false;
  }
  const content = reader.take(Math.min(length, MAX_TEXT_BYTES));
  reader.skip(length - content.length);
  if (TEXTS.has(opcode) && length <= MAX_TEXT_BYTES) {
    stack.push({ kind: "text", text: Buffer.from(content).toString("utf8") });
  } else if (opcode === 0x8a || opcode === 0x8b) {
    stack.push({ kind: "long", hex: Buffer.from(content).reverse().toString("hex") });
  } else {
    stack.push({ kind: "bytes", length });
  }
  return true;
}
