/** Holds each image's class against what is expected as soon as its batch is merged; a nanosecond an image. */
import assert from "node:assert/strict";
import type { Slab } from "../../src/base/slab.js";

type OnMerged = (slab: Slab, start: number, count: number) => void;

/** @param expected by the image's index in the data set */
export async function provingMerges(
  expected: Uint16Array,
  run: (onMerged: OnMerged) => Promise<number>,
): Promise<number> {
  let wrong = 0;
  const elapsedMs = await run(({ predictions, firstImage }, start, count) => {
    for (let n = start; n < start + count; n++) if (predictions[n] !== expected[firstImage + n]) wrong++;
  });
  assert.equal(wrong, 0, "images are predicted otherwise than by the reference engine");
  return elapsedMs;
}
