/** B-trees of HDF5, version 1: links of a group, and chunks of a data set. */

import type { Cursor, Hdf5Bytes } from "./bytes.js";

/** Most levels. One of 32 entries a node holds more than any file does. */
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
