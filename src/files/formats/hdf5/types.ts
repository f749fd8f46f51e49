/** Shapes and element types of HDF5, and texts: of fixed length in place, of variable length in the global heap. */

import type { ElementType } from "#src/files/formats/arrays.js";
import type { Cursor, Hdf5Bytes } from "./bytes.js";

const MAX_RANK = 32;
const NULL_SPACE = 2;

/** Sizes of the dimensions; none for one value. @throws FileError ERR_HDF5_MALFORMED, ERR_HDF5_UNSUPPORTED */
export function readShape(cursor: Cursor): number[] {
  const version = cursor.version("a dataspace", [1, 2]);
  const rank = cursor.u8();
  if (rank > MAX_RANK) throw cursor.file.malformed(cursor.at, `at most ${MAX_RANK} dimensions`, `${rank}`);
  cursor.skip(1);
  const isNull = version === 2 && cursor.u8() === NULL_SPACE;
  if (version === 1) cursor.skip(5);
  return isNull ? [0] : Array.from({ length: rank }, () => cursor.u64());
}

/** Type of an element as the file describes it. */
export type Hdf5Type =
  | { readonly kind: "float"; readonly bytes: number; readonly type: ElementType; readonly isLittle: boolean }
  | {
      readonly kind: "integer";
      readonly bytes: number;
      readonly isSigned: boolean;
      readonly isLittle: boolean;
    }
  | { readonly kind: "text"; readonly bytes: number; readonly isPaddedBySpaces: boolean }
  | { readonly kind: "variable text"; readonly bytes: number }
  | { readonly kind: "other"; readonly bytes: number; readonly name: string };

const CLASS_NAMES = [
  "an unusual integer",
  "an unusual float",
  "a time",
  "a text",
  "a bit field",
  "an opaque value",
  "a compound value",
  "a reference",
  "an enumeration",
  "a list of variable length",
  "an array",
];
const [INTEGER, FLOAT, TEXT, VARIABLE] = [0, 1, 3, 9];
const INTEGER_BYTES: readonly number[] = [1, 2, 4, 8];
const SPACE_PADDED = 2;
/** An element of variable length: its length, and the collection and the index of its content. */
const REFERENCE_BYTES = 16;

/** Offset and precision in bits, then exponent and mantissa: position and size of each. */
const FLOATS: readonly { readonly fields: readonly number[]; readonly type: ElementType }[] = [
  { fields: [0, 16, 10, 5, 0, 10], type: "float16" },
  { fields: [0, 16, 7, 8, 0, 7], type: "bfloat16" },
  { fields: [0, 32, 23, 8, 0, 23], type: "float32" },
  { fields: [0, 64, 52, 11, 0, 52], type: "float64" },
];

/** @throws FileError ERR_HDF5_MALFORMED, ERR_HDF5_UNSUPPORTED */
export function readType(cursor: Cursor): Hdf5Type {
  const first = cursor.u8();
  const kind = first & 0x0f;
  const [low, middle] = [cursor.u8(), cursor.u8()];
  cursor.skip(1);
  const bytes = cursor.u32();
  const isLittle = (low & 1) === 0;
  const other: Hdf5Type = { kind: "other", bytes, name: CLASS_NAMES[kind] ?? `type ${kind}` };
  if (kind === INTEGER) {
    const [offset, precision] = [cursor.u16(), cursor.u16()];
    if (offset !== 0 || precision !== bytes * 8 || !INTEGER_BYTES.includes(bytes)) return other;
    return { kind: "integer", bytes, isSigned: (low & 8) !== 0, isLittle };
  }
  if (kind === FLOAT) {
    const fields = [...[cursor.u16(), cursor.u16()], ...Array.from({ length: 4 }, () => cursor.u8())];
    const known = FLOATS.find((one) => one.fields.every((field, index) => field === fields[index]));
    const isVax = (low & 0x40) !== 0;
    if (known === undefined || isVax || bytes * 8 !== fields[1]) return other;
    return { kind: "float", bytes, type: known.type, isLittle };
  }
  if (kind === TEXT) return { kind: "text", bytes, isPaddedBySpaces: (low & 0x0f) === SPACE_PADDED };
  if (kind === VARIABLE && (low & 0x0f) === 1 && middle < 2 && bytes === REFERENCE_BYTES) {
    return { kind: "variable text", bytes };
  }
  return other;
}

/** Texts of fixed or variable length. @throws FileError ERR_HDF5_MALFORMED, ERR_HDF5_UNSUPPORTED, ERR_HDF5_LIMIT */
export function readTexts(cursor: Cursor, type: Hdf5Type, count: number, heap: GlobalHeap): string[] {
  if (count === 0) return [];
  if (type.kind !== "text" && type.kind !== "variable text") {
    throw cursor.file.unsupported(
      `${type.kind === "other" ? type.name : `a ${type.kind}`} instead of a text`,
    );
  }
  if (type.bytes * count > cursor.leftBytes) {
    throw cursor.file.malformed(
      cursor.at,
      `${count} texts of ${type.bytes} bytes`,
      `${cursor.leftBytes} bytes`,
    );
  }
  // Empty texts take no bytes, so the length above does not limit their number.
  cursor.file.step(count);
  return Array.from({ length: count }, () => {
    if (type.kind === "variable text") return heap.text(cursor);
    const text = cursor.text(type.bytes);
    return type.isPaddedBySpaces ? text.trimEnd() : text;
  });
}

/** The global heap: collections of values of variable length. Each collection is read once. */
export class GlobalHeap {
  readonly #file: Hdf5Bytes;
  readonly #collections = new Map<number, ReadonlyMap<number, Cursor>>();

  constructor(file: Hdf5Bytes) {
    this.#file = file;
  }

  /** Text that the reference at the cursor names. */
  text(reference: Cursor): string {
    const { at } = reference;
    const length = reference.u32();
    const address = reference.address();
    const index = reference.u32();
    if (length === 0) return "";
    if (address === undefined || address === 0)
      throw this.#file.malformed(at, "the address of a text", "none");
    const found = this.#collection(address).get(index);
    if (found === undefined)
      throw this.#file.malformed(at, "a text of the global heap", `no object ${index}`);
    // The object's own cursor stays where it is: other references may name it too.
    return this.#file.cursor(found.at, found.leftBytes).text(length);
  }

  #collection(address: number): ReadonlyMap<number, Cursor> {
    const known = this.#collections.get(address);
    if (known !== undefined) return known;
    const head = this.#file.cursor(address, 16);
    head.signature("GCOL");
    head.version("a global heap", [1]);
    head.skip(3);
    const cursor = this.#file.cursor(address, head.u64());
    cursor.skip(16);
    const objects = new Map<number, Cursor>();
    while (cursor.leftBytes >= 16) {
      this.#file.step();
      const index = cursor.u16();
      cursor.skip(6);
      const length = cursor.u64();
      // Object 0 is the free space behind the others.
      if (index === 0) break;
      const { at } = cursor;
      cursor.skip(length);
      objects.set(index, this.#file.cursor(at, length));
      cursor.align(at);
    }
    this.#collections.set(address, objects);
    return objects;
  }
}
