/** Allocates memory whose size depends on data and options, or throws a coded error. */

import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "./errors.js";
import { isErrorNamed } from "./realm.js";

/** Zeroed memory that all threads see, for `images` images at once. @throws UsageError ERR_MEMORY */
export function allocateShared(bytes: number, images: number): SharedArrayBuffer {
  // Only a slab of a single batch can be too large for memory.
  return allocate(bytes, `${grouped(images)} images at once`, "--batch-size", () => {
    const buffer = new SharedArrayBuffer(bytes);
    // A buffer can be longer than any view of it; such a view throws.
    new Uint8Array(buffer);
    return buffer;
  });
}

/** `entriesEach` zeroed entries for each image of a run. @throws UsageError ERR_MEMORY */
export function allocateEntries<T extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(
  Entries: { new (length: number): T; readonly BYTES_PER_ELEMENT: number },
  images: number,
  entriesEach = 1,
): T {
  const length = images * entriesEach;
  const bytes = length * Entries.BYTES_PER_ELEMENT;
  return allocate(bytes, `answers to ${grouped(images)} images`, "--limit", () => new Entries(length));
}

function allocate<T>(bytes: number, what: string, option: string, create: () => T): T {
  try {
    return create();
  } catch (cause) {
    if (isErrorNamed("RangeError", cause))
      throw new UsageError("ERR_MEMORY", { what, bytes, option }, { cause });
    throw cause;
  }
}

/** A copy of the bytes that all threads see. */
export function shareBytes(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}
