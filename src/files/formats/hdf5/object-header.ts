/** Object headers of HDF5, versions 1 and 2: the messages that describe a group or a data set. */

import type { Cursor, Hdf5Bytes } from "./bytes.js";

// Types of messages: HDF5 File Format Specification 3.0, section IV.A.2.
export const DATASPACE = 0x01;
export const LINK_INFO = 0x02;
export const DATATYPE = 0x03;
export const LINK = 0x06;
export const EXTERNAL_FILES = 0x07;
export const LAYOUT = 0x08;
export const FILTERS = 0x0b;
export const ATTRIBUTE = 0x0c;
const CONTINUATION = 0x10;
export const SYMBOL_TABLE = 0x11;
export const ATTRIBUTE_INFO = 0x15;

const SHARED = 1 << 1;
/** Most blocks of one header: the first and its continuations. */
const MAX_BLOCKS = 4_096;
const CHECKSUM_BYTES = 4;
const VERSION_1_BYTES = 16;

// Flags of version 2.
const HAS_TIMES = 1 << 5;
const HAS_PHASES = 1 << 4;
const HAS_ORDER = 1 << 2;

interface Message {
  readonly type: number;
  readonly flags: number;
  readonly at: number;
  readonly length: number;
}

/** Messages of one object. */
export class ObjectHeader {
  readonly file: Hdf5Bytes;
  readonly #messages: readonly Message[];

  /** @throws FileError ERR_HDF5_MALFORMED, ERR_HDF5_UNSUPPORTED, ERR_HDF5_LIMIT */
  constructor(file: Hdf5Bytes, address: number) {
    this.file = file;
    this.#messages = readMessages(file, address);
  }

  has(type: number): boolean {
    return this.#messages.some((message) => message.type === type);
  }

  /** Reader of the first message of a type; undefined if there is none. */
  find(type: number): Cursor | undefined {
    return this.all(type)[0];
  }

  /** Readers of all messages of a type, in order. */
  all(type: number): Cursor[] {
    return this.#messages
      .filter((message) => message.type === type)
      .map(({ flags, at, length }) => {
        if (flags & SHARED) throw this.file.unsupported("a message that objects share");
        return this.file.cursor(at, length);
      });
  }
}

interface Block {
  readonly at: number;
  readonly length: number;
}

/** Offset and length of what is left of the first block, and how its messages are written. */
interface Start {
  readonly first: Block;
  readonly isVersion1: boolean;
  readonly hasOrder: boolean;
}

function readMessages(file: Hdf5Bytes, address: number): Message[] {
  const { first, isVersion1, hasOrder } = readStart(file, address);
  const headBytes = isVersion1 ? 8 : hasOrder ? 6 : 4;
  const blocks = [first];
  const messages: Message[] = [];
  // A block may name more blocks; the list grows while it is read.
  for (const block of blocks) {
    const cursor = file.cursor(block.at, block.length);
    while (cursor.leftBytes >= headBytes) {
      file.step();
      const type = isVersion1 ? cursor.u16() : cursor.u8();
      const length = cursor.u16();
      const flags = cursor.u8();
      cursor.skip(headBytes - (isVersion1 ? 5 : 4));
      messages.push({ type, flags, at: cursor.at, length });
      if (type === CONTINUATION) {
        if (blocks.length >= MAX_BLOCKS) {
          throw file.malformed(cursor.at, `at most ${MAX_BLOCKS} blocks of a header`, "more");
        }
        blocks.push(continued(file.cursor(cursor.at, length), isVersion1));
      }
      cursor.skip(length);
    }
  }
  return messages;
}

function readStart(file: Hdf5Bytes, address: number): Start {
  const isVersion1 = file.cursor(address, 4).u8() === 1;
  const cursor = file.cursor(address, file.bytes.length - address);
  if (isVersion1) {
    cursor.skip(8);
    const length = cursor.u32();
    return { first: { at: address + VERSION_1_BYTES, length }, isVersion1, hasOrder: false };
  }
  cursor.signature("OHDR");
  cursor.version("an object header", [2]);
  const flags = cursor.u8();
  if (flags & HAS_TIMES) cursor.skip(16);
  if (flags & HAS_PHASES) cursor.skip(4);
  const length = cursor.sized(flags);
  return { first: { at: cursor.at, length }, isVersion1, hasOrder: (flags & HAS_ORDER) !== 0 };
}

function continued(cursor: Cursor, isVersion1: boolean): Block {
  const at = cursor.definedAddress("the rest of a header");
  const length = cursor.u64();
  const block = cursor.file.cursor(at, length);
  if (isVersion1) return { at, length };
  block.signature("OCHK");
  const contentBytes = block.leftBytes - CHECKSUM_BYTES;
  if (contentBytes < 0) throw cursor.file.malformed(at, "a block of at least 8 bytes", `${length}`);
  return { at: block.at, length: contentBytes };
}
