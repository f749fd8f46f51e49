/** B-trees of version 1, and the chunks of a data set: what packed them, and their places in the array. */
import { inflateSync } from "node:zlib";
import { reasonOf } from "#src/base/errors.js";
import type { Cursor, Hdf5Bytes } from "./bytes.js";

const [DEFLATE, SHUFFLE] = [1, 2];
const FILTER_NAMES: ReadonlyMap<number, string> = new Map([
  [3, "fletcher32"],
  [4, "szip"],
  [5, "n-bit"],
  [6, "scale-offset"],
  [32000, "lzf"],
]);
const MAX_FILTERS = 32;

/** Filters in the order in which they packed: section IV.A.2.l of the specification. */
export function readFilters(cursor: Cursor, name: string): number[] {
  const version = cursor.version("a filter pipeline", [1, 2]);
  const count = cursor.u8();
  if (count > MAX_FILTERS)
    throw cursor.file.malformed(cursor.at, `at most ${MAX_FILTERS} filters`, `${count}`);
  if (version === 1) cursor.skip(6);
  return Array.from({ length: count }, () => {
    const filter = cursor.u16();
    if (filter !== DEFLATE && filter !== SHUFFLE) {
      throw cursor.file.unsupported(`"${name}" packed by ${FILTER_NAMES.get(filter) ?? `filter ${filter}`}`);
    }
    const nameBytes = version === 1 ? cursor.u16() : 0;
    cursor.skip(2);
    const values = cursor.u16();
    cursor.skip(Math.ceil(nameBytes / 8) * 8 + 4 * values);
    if (version === 1 && values % 2 === 1) cursor.skip(4);
    return filter;
  });
}

export function unpack(
  file: Hdf5Bytes,
  name: string,
  packed: Uint8Array,
  filters: readonly number[],
  chunkBytes: number,
  elementBytes: number,
): Uint8Array {
  let bytes = packed;
  const corrupt = (found: string) =>
    file.malformed(
      packed.byteOffset - file.bytes.byteOffset,
      `a chunk of "${name}" of ${chunkBytes} bytes`,
      found,
    );
  for (const filter of filters.toReversed()) {
    if (filter === DEFLATE) {
      try {
        bytes = inflateSync(bytes, { maxOutputLength: chunkBytes });
      } catch (cause) {
        throw corrupt(`damage (${reasonOf(cause)})`);
      }
    } else {
      bytes = unshuffle(bytes, elementBytes);
    }
  }
  if (bytes.length !== chunkBytes) throw corrupt(`${bytes.length}`);
  return bytes;
}

/** Shuffle puts all first bytes of the elements before all second ones, and so on; bytes that are left over stay at the end. */
function unshuffle(bytes: Uint8Array, elementBytes: number): Uint8Array {
  const count = Math.floor(bytes.length / elementBytes);
  const ordered = Uint8Array.from(bytes);
  for (let part = 0, from = 0; part < elementBytes; part += 1) {
    for (let element = 0; element < count; element += 1)
      ordered[element * elementBytes + part] = bytes[from++]!;
  }
  return ordered;
}

/** Copies a chunk to its place, row by row; what reaches beyond the array is padding. */
export function place(
  whole: Uint8Array,
  shape: readonly number[],
  piece: Uint8Array,
  chunk: readonly number[],
  begin: readonly number[],
  elementBytes: number,
): void {
  const last = shape.length - 1;
  const kept = shape.map((size, axis) => Math.min(chunk[axis]!, size - begin[axis]!));
  const rowBytes = (kept[last] ?? 1) * elementBytes;
  const rows = kept.slice(0, -1).reduce((product, size) => product * size, 1);
  const index = kept.slice(0, -1).map(() => 0);
  for (let row = 0; row < rows; row += 1) {
    let [to, from] = [0, 0];
    for (const [axis, size] of shape.entries()) {
      to = to * size + begin[axis]! + (index[axis] ?? 0);
      from = from * chunk[axis]! + (index[axis] ?? 0);
    }
    whole.set(piece.subarray(from * elementBytes, from * elementBytes + rowBytes), to * elementBytes);
    for (let axis = last - 1; axis >= 0; axis -= 1) {
      index[axis]! += 1;
      if (index[axis]! < kept[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** Most levels. With 32 entries per node, a tree of these levels holds more than any file. */
const MAX_LEVEL = 16;

/** Kinds of trees: section III.A.1 of the specification. */
export const GROUP_TREE = 0;
export const CHUNK_TREE = 1;

/** An entry of a leaf: the key before it, and the address that it holds. */
export interface Leaf {
  readonly key: Cursor;
  readonly address: number;
}

/**
 * Returns the entries of all leaves, in order. Each child is one level below its parent, so that no tree is endless.
 *
 * @throws FileError ERR_HDF5_MALFORMED, ERR_HDF5_LIMIT
 */
export function leavesOf(file: Hdf5Bytes, root: number, kind: number, keyBytes: number): Leaf[] {
  const leaves: Leaf[] = [];
  const open: { readonly address: number; readonly level: number | undefined }[] = [
    { address: root, level: undefined },
  ];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const cursor = file.cursor(node.address, file.bytes.length - node.address);
    cursor.signature("TREE");
    const foundKind = cursor.u8();
    if (foundKind !== kind) throw file.malformed(node.address, `a tree of kind ${kind}`, `${foundKind}`);
    const level = cursor.u8();
    if (level > MAX_LEVEL || level !== (node.level ?? level)) {
      const expected = node.level === undefined ? `at most ${MAX_LEVEL} levels` : `level ${node.level}`;
      throw file.malformed(node.address, expected, `${level}`);
    }
    const entries = cursor.u16();
    file.step(entries + 1);
    cursor.skip(16); // Its neighbours, which the parent names too.
    const children = Array.from({ length: entries }, () => {
      const key = file.cursor(cursor.at, keyBytes);
      cursor.skip(keyBytes);
      return { key, address: cursor.definedAddress("a child of a tree") };
    });
    if (level === 0) leaves.push(...children);
    else for (const { address } of children.reverse()) open.push({ address, level: level - 1 });
  }
  return leaves;
}
