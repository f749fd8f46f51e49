/**
 * Opens HDF5 files as h5py and Keras write them (HDF5 File Format Specification 3.0). A group gives objects by name, and texts
 * as attributes. Links out of the file are refused.
 */
import { printable } from "#src/base/text.js";
import { type Cursor, Hdf5Bytes } from "./bytes.js";
import { GROUP_TREE, leavesOf } from "./chunks.js";
import { Hdf5Dataset } from "./dataset.js";
import {
  ATTRIBUTE,
  ATTRIBUTE_INFO,
  LAYOUT,
  LINK,
  LINK_INFO,
  ObjectHeader,
  SYMBOL_TABLE,
} from "./object-header.js";
import { GlobalHeap, readShape, readTexts, readType } from "./types.js";

/** The first bytes: HDF5 File Format Specification 3.0, section II.A. */
const HDF5_SIGNATURE = "\x89HDF\r\n\x1a\n";
const SIZE_BYTES = 8;

/**
 * Returns the root group. Nothing is copied. `path` is for messages.
 *
 * @throws FileError ERR_HDF5_MALFORMED, ERR_HDF5_UNSUPPORTED, ERR_HDF5_LIMIT; so do the group's methods
 */
export function openHdf5(path: string, bytes: Uint8Array): Hdf5Group {
  const file = new Hdf5Bytes(path, bytes);
  const cursor = file.cursor(0, bytes.length);
  cursor.signature(HDF5_SIGNATURE);
  const version = cursor.version("a superblock", [0, 1, 2, 3]);
  if (version < 2) cursor.skip(4);
  const sizes = [cursor.u8(), cursor.u8()];
  if (sizes.some((size) => size !== SIZE_BYTES)) {
    throw file.unsupported(`addresses and lengths of ${sizes.join(" and ")} bytes`);
  }
  cursor.skip([9, 13, 1, 1][version]!);
  const base = cursor.u64();
  if (base !== 0) throw file.unsupported("a block of other content before it");
  cursor.skip(SIZE_BYTES);
  const endAt = cursor.u64();
  if (endAt > bytes.length) {
    throw file.malformed(cursor.at - SIZE_BYTES, `a file of ${endAt} bytes`, `${bytes.length}`);
  }
  // Versions 0 and 1: the address of driver information, then a symbol table entry, which begins with a name's offset.
  if (version < 2) cursor.skip(2 * SIZE_BYTES);
  const header = new ObjectHeader(file, cursor.definedAddress("the root group"));
  return new Hdf5Group(file, new GlobalHeap(file), header);
}

/** Address of an object, or the kind of a link that leads elsewhere. */
type Link = number | "a soft" | "an external";

const [SOFT, EXTERNAL] = [1, 64];
/** Kind of an entry in a symbol table that is a soft link. */
const SOFT_ENTRY = 2;
const MAX_NAME_BYTES = 2 ** 16;

export class Hdf5Group {
  readonly #file: Hdf5Bytes;
  readonly #heap: GlobalHeap;
  readonly #header: ObjectHeader;
  #links: ReadonlyMap<string, Link> | undefined;

  constructor(file: Hdf5Bytes, heap: GlobalHeap, header: ObjectHeader) {
    this.#file = file;
    this.#heap = heap;
    this.#header = header;
  }

  /** Names of its members: sorted in old files, in the order of writing in new ones. */
  names(): string[] {
    return [...this.#linked().keys()];
  }

  /**
   * Returns the object at a path of names, separated by slashes; undefined if there is none.
   *
   * @throws FileError ERR_HDF5_UNSUPPORTED if a link leads out of the file
   */
  get(path: string): Hdf5Group | Hdf5Dataset | undefined {
    let object: Hdf5Group | Hdf5Dataset | undefined = this;
    for (const name of path.split("/").filter((part) => part !== "")) {
      if (!(object instanceof Hdf5Group)) return undefined;
      object = object.#member(name);
    }
    return object;
  }

  group(path: string): Hdf5Group | undefined {
    const object = this.get(path);
    return object instanceof Hdf5Group ? object : undefined;
  }

  dataset(path: string): Hdf5Dataset | undefined {
    const object = this.get(path);
    return object instanceof Hdf5Dataset ? object : undefined;
  }

  /** Texts of an attribute, one or a list; undefined if it has none of this name. */
  texts(name: string): string[] | undefined {
    for (const cursor of this.#header.all(ATTRIBUTE)) {
      this.#file.step();
      const texts = readAttribute(cursor, name, this.#heap);
      if (texts !== undefined) return texts;
    }
    if (this.#header.find(ATTRIBUTE_INFO) !== undefined && this.#hasDenseAttributes()) {
      throw this.#file.unsupported("attributes in a fractal heap");
    }
    return undefined;
  }

  #hasDenseAttributes(): boolean {
    const cursor = this.#header.find(ATTRIBUTE_INFO);
    if (cursor === undefined) return false;
    cursor.version("an attribute info", [0]);
    if (cursor.u8() & 1) cursor.skip(2);
    return cursor.address() !== undefined;
  }

  #member(name: string): Hdf5Group | Hdf5Dataset | undefined {
    const link = this.#linked().get(name);
    if (link === undefined) return undefined;
    if (typeof link === "string") throw this.#file.unsupported(`"${printable(name)}", ${link} link`);
    const header = new ObjectHeader(this.#file, link);
    if (header.has(LAYOUT)) return new Hdf5Dataset(this.#file, header, printable(name));
    return new Hdf5Group(this.#file, this.#heap, header);
  }

  #linked(): ReadonlyMap<string, Link> {
    this.#links ??= new Map([...this.#tableLinks(), ...this.#linkMessages()]);
    return this.#links;
  }

  /** Links of an old group: a tree of symbol tables, whose names stand in a local heap. */
  *#tableLinks(): Generator<[string, Link]> {
    const table = this.#header.find(SYMBOL_TABLE);
    if (table === undefined) return;
    const tree = table.definedAddress("a group's tree");
    const names = localHeap(this.#file, table.definedAddress("a group's heap"));
    for (const { address } of leavesOf(this.#file, tree, GROUP_TREE, 8)) {
      const cursor = this.#file.cursor(address, this.#file.bytes.length - address);
      cursor.signature("SNOD");
      cursor.version("a symbol table", [1]);
      cursor.skip(1);
      const count = cursor.u16();
      this.#file.step(count + 1);
      for (let entry = 0; entry < count; entry += 1) {
        const nameAt = cursor.u64();
        const object = cursor.address();
        const isSoft = cursor.u32() === SOFT_ENTRY;
        cursor.skip(20);
        if (!isSoft && object === undefined) {
          throw this.#file.malformed(cursor.at, "the address of an object", "none");
        }
        yield [names(nameAt), isSoft || object === undefined ? "a soft" : object];
      }
    }
  }

  /** Links of a new group: a message each, until they are many. */
  *#linkMessages(): Generator<[string, Link]> {
    const info = this.#header.find(LINK_INFO);
    if (info !== undefined) {
      info.version("a link info", [0]);
      if (info.u8() & 1) info.skip(8);
      if (info.address() !== undefined) throw this.#file.unsupported("links in a fractal heap");
    }
    for (const cursor of this.#header.all(LINK)) yield readLink(cursor);
  }
}

function readLink(cursor: Cursor): [string, Link] {
  cursor.version("a link", [1]);
  const flags = cursor.u8();
  const kind = flags & 8 ? cursor.u8() : 0;
  if (flags & 4) cursor.skip(8);
  if (flags & 16) cursor.skip(1);
  const name = cursor.text(cursor.sized(flags));
  if (kind === SOFT) return [name, "a soft"];
  if (kind === EXTERNAL) return [name, "an external"];
  if (kind !== 0) throw cursor.file.unsupported(`"${printable(name)}", a link of kind ${kind}`);
  return [name, cursor.definedAddress("an object")];
}

/** Returns the reader of names in a local heap by their offsets. */
function localHeap(file: Hdf5Bytes, address: number): (at: number) => string {
  const head = file.cursor(address, 32);
  head.signature("HEAP");
  head.version("a local heap", [0]);
  head.skip(3);
  const length = head.u64();
  head.skip(8);
  const begin = head.definedAddress("a heap's content");
  file.cursor(begin, length);
  return (at) => {
    const leftBytes = length - at;
    if (leftBytes <= 0) throw file.malformed(begin, `a name within ${length} bytes`, `one at ${at}`);
    const near = file.bytes.subarray(begin + at, begin + at + Math.min(leftBytes, MAX_NAME_BYTES));
    const zeroAt = near.indexOf(0);
    if (zeroAt < 0) throw file.malformed(begin + at, "a name that ends with a zero", "none");
    return file.cursor(begin + at, zeroAt).text(zeroAt);
  };
}

/** Texts of the attribute if it has this name. Sections of version 1 are padded to eight bytes. */
function readAttribute(cursor: Cursor, name: string, heap: GlobalHeap): string[] | undefined {
  const version = cursor.version("an attribute", [1, 2, 3]);
  const flags = cursor.u8();
  const lengths = [cursor.u16(), cursor.u16(), cursor.u16()] as const;
  if (version === 3) cursor.skip(1);
  const [nameOf, typeOf, shapeOf] = lengths.map((length) => {
    const part = cursor.file.cursor(cursor.at, Math.min(length, cursor.leftBytes));
    cursor.skip(length);
    if (version === 1) cursor.skip(Math.min(cursor.leftBytes, (8 - (length % 8)) % 8));
    return part;
  });
  if (nameOf?.text(lengths[0]) !== name || typeOf === undefined || shapeOf === undefined) return undefined;
  if (version > 1 && flags !== 0) throw cursor.file.unsupported("an attribute whose type objects share");
  const count = readShape(shapeOf).reduce((product, size) => product * size, 1);
  return readTexts(cursor, readType(typeOf), count, heap);
}
