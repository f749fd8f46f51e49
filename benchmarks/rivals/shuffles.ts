/** A set again and again, each time in another order of its images: many images that no cache holds, from few. */
import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Random } from "../../fixtures/random.js";
import { allocateSlab, type Slab, viewSlab } from "../../src/base/slab.js";
import { onlySlab, type Subject } from "../subject.js";

const SEED = 20_240_601;
const STREAM = 1;
/** Together larger than the last cache: 63 MB for MNIST's test split. */
const RING = 8;
const PIECE = 500;

export interface Shuffles {
  /** pixels, labels (count) ← the images in their n-th order, or those from `start` to `end` (exclusive) in their places */
  fill(n: number, pixels: Uint8Array, labels: Uint8Array, start?: number, end?: number): void;
  /** Checks the n-th order, from image `start`. Throws where a class is not the expected. */
  check(n: number, start: number, predictions: ArrayLike<number>, count: number): void;
}

export function createShuffles(subject: Subject, times: number): Shuffles {
  const { images, inputs, expected } = subject;
  const source = onlySlab(subject);
  const rows = Array.from({ length: images }, (_, image) =>
    source.pixels.subarray(image * inputs, (image + 1) * inputs),
  );
  const orders = Array.from({ length: times }, (_, n) => {
    const order = Uint32Array.from({ length: images }, (_, image) => image);
    new Random(SEED, STREAM, n).shuffle(order);
    return order;
  });
  return {
    fill(n, pixels, labels, start = 0, end = images) {
      for (let at = start; at < end; at++) {
        const image = orders[n]![at]!;
        pixels.set(rows[image]!, at * inputs);
        labels[at] = source.labels[image]!;
      }
    },
    check(n, start, predictions, count) {
      let wrong = 0;
      for (let at = start; at < start + count; at++) {
        if (predictions[at] !== expected[orders[n]![at]!]) wrong++;
      }
      assert.equal(wrong, 0, "images are predicted otherwise than by the reference engine");
    },
  };
}

export interface Ring {
  slabs(times: number): AsyncGenerator<Slab>;
  /** To be told of what was merged: a slab is filled anew only when all of it was. */
  onMerged(slab: Slab, start: number, count: number): void;
}

export function createRing({ images, inputs }: Subject, shuffles: Shuffles): Ring {
  const layout = { firstImage: 0, count: images, inputs };
  const buffers = Array.from({ length: RING }, () => allocateSlab(layout).buffer);
  let left: number[] = [];
  let onChange = () => {};
  return {
    async *slabs(times) {
      left = [];
      for (let n = 0; n < times; n++) {
        while (left[n - RING]! > 0) {
          await new Promise<void>((resolve) => {
            onChange = resolve;
          });
        }
        const slab = viewSlab(buffers[n % RING]!, { ...layout, firstImage: n * images });
        // In pieces, since a coordinator that is kept from its loop keeps its workers waiting.
        for (let start = 0; start < images; start += PIECE) {
          shuffles.fill(n, slab.pixels, slab.labels, start, Math.min(start + PIECE, images));
          await setImmediate();
        }
        left[n] = images;
        yield slab;
      }
    },
    onMerged({ predictions, firstImage }, start, count) {
      const n = firstImage / images;
      shuffles.check(n, start, predictions, count);
      left[n]! -= count;
      onChange();
    },
  };
}

/** The same memory for a rival that takes its images from none that is shared, and one after the other. */
export function createPrivateRing({ images, inputs }: Subject): { at(n: number): Uint8Array } {
  const buffers = Array.from({ length: RING }, () => new Uint8Array(images * inputs));
  return { at: (n) => buffers[n % RING]! };
}
