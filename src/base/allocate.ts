/** Memory whose size the data and the options decide: there, or refused with a code. */

import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "./errors.js";

/** Memory for so many images at once. @throws UsageError ERR_MEMORY */
export function takeShared(bytes: number, images: number): SharedArrayBuffer {
  // A slab of more than a batch is never too large for memory.
  return refusing(bytes, `${grouped(images)} images at once`, "--batch-size", () => {
    const buffer = new SharedArrayBuffer(bytes);
    // A buffer can be longer than any view of it, which then throws.
    new Uint8Array(buffer);
    return buffer;
  });
}

/** An entry for each image of a run, or so many. @throws UsageError ERR_MEMORY */
export function takeAnswers<T extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(
  Entries: { new (length: number): T; readonly BYTES_PER_ELEMENT: number },
  images: number,
  entriesEach = 1,
): T {
  const length = images * entriesEach;
  const bytes = length * Entries.BYTES_PER_ELEMENT;
  return refusing(bytes, `answers to ${grouped(images)} images`, "--limit", () => new Entries(length));
}

function refusing<T>(bytes: number, what: string, option: string, take: () => T): T {
  try {
    return take();
  } catch (cause) {
    if (cause instanceof RangeError) throw new UsageError("ERR_MEMORY", { what, bytes, option }, { cause });
    throw cause;
  }
}

/** Bytes that all threads are to see without a copy of their own. */

export function shareBytes(bytes: Uint8Array): Uint8Array {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}
