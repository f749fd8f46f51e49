/** All images of a run in memory at once, for those who run over them again and again. */
import { constants } from "node:buffer";
import { totalmem } from "node:os";
import { constrainedMemory } from "node:process";
import { grouped } from "#src/base/errors/define.js";
import { UsageError } from "#src/base/errors.js";
import { roomBytes, type Slab, slabBytes } from "#src/base/slab.js";
import type { AnyPair } from "./load-pair.js";

/**
 * One slab, which has no seam, so that any batch size fits it. Whether memory can hold it is decided by the sizes, before a
 * pixel of a set larger than that is read.
 *
 * @param probabilities whether each image's are asked for
 * @throws UsageError ERR_MEMORY, and all that the pair's slabs throw
 */
export async function loadWhole(pair: AnyPair, probabilities: boolean): Promise<Slab[]> {
  const {
    dataset: { name, shape },
    range: { limit: count },
    classes,
  } = pair;
  const ownBytes = slabBytes({ count, inputs: shape.rows * shape.columns });
  // A run answers in memory of its own what workers wrote into the room.
  const answerBytes = probabilities
    ? roomBytes(count, classes) +
      count * (classes * Float64Array.BYTES_PER_ELEMENT + Uint16Array.BYTES_PER_ELEMENT)
    : 0;
  const facts = {
    what: `data set "${name}", ${grouped(count)} images at once`,
    bytes: ownBytes + answerBytes,
    option: "--limit, or evaluate, which reads images as it goes",
  };
  const { MAX_LENGTH } = constants;
  const mostBytes = Math.min(memoryBytes(), ownBytes > MAX_LENGTH ? MAX_LENGTH : Number.POSITIVE_INFINITY);
  if (facts.bytes > mostBytes) throw new UsageError("ERR_MEMORY", { ...facts, mostBytes });
  const slabs: Slab[] = [];
  try {
    for await (const slab of pair.slabs(count)) slabs.push(slab);
  } catch (cause) {
    // The slab's own advice would be smaller batches.
    if (!(cause instanceof UsageError) || cause.code !== "ERR_MEMORY") throw cause;
    throw new UsageError("ERR_MEMORY", facts, { cause });
  }
  return slabs;
}

/** Of the machine, or of the part of it that this process may have. */
function memoryBytes(): number {
  // 0 where the system tells no bound.
  return Math.min(totalmem(), constrainedMemory() || Number.POSITIVE_INFINITY);
}
