/** What an asynchronous iteration gives, as an array; Node 20 has no Array.fromAsync. */

import type { SlabPlan } from "#src/base/contracts/dataset.js";
import { inTurn, type Slab, type SlabStream, viewSlab } from "#src/base/slab.js";

export async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** For slabs of any length, read one after the other. */
export const ONE_BY_ONE: SlabPlan = { multiple: 1, lanes: 1 };

/** Copies of all slabs; each slab is released once it is copied. */
export async function copiesOf(stream: SlabStream): Promise<Slab[]> {
  const copies: Slab[] = [];
  for await (const slab of inTurn(stream)) {
    const buffer = new SharedArrayBuffer(slab.buffer.byteLength);
    new Uint8Array(buffer).set(new Uint8Array(slab.buffer));
    copies.push(viewSlab(buffer, slab));
  }
  return copies;
}
