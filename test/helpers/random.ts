/** Seeded random numbers, networks and image sets for tests. */
import type { Dataset } from "#src/base/contracts/dataset.js";
import type { Activation, DenseLayer } from "#src/base/contracts/network.js";
import { allocateSlab, type Slab, streamOf } from "#src/base/slab.js";
import type { DenseNetwork } from "./dense.js";

/** mulberry32 (Tommy Ettinger, public domain): uniform in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function randomNetwork(
  sizes: readonly number[],
  activation: Activation = "sigmoid",
  seed = 1,
): DenseNetwork {
  const random = seeded(seed);
  const shared = (count: number, spread: number) =>
    new Float64Array(new SharedArrayBuffer(count * 8)).map(() => (random() - 0.5) * spread);
  const layers = sizes.slice(1).map((outputs, n): DenseLayer => {
    const inputs = sizes[n]!;
    return {
      kind: "dense",
      inputs,
      outputs,
      weights: shared(inputs * outputs, 4 / Math.sqrt(inputs)),
      biases: shared(outputs, 1),
      activation: n === sizes.length - 2 ? "identity" : activation,
    };
  });
  return { name: "random", sha256: "0".repeat(64), layers, preprocessing: { kind: "scale" } };
}

/** Images of which about four pixels in five are zero, with labels below `classes`. */
export function randomDataset(
  total: number,
  { rows = 8, columns = 8, channels = 1, classes = 10, seed = 2, slabImages = total } = {},
): Dataset {
  const random = seeded(seed);
  const inputs = rows * columns * channels;
  const pixels = Uint8Array.from({ length: total * inputs }, () =>
    random() < 0.8 ? 0 : Math.floor(random() * 256),
  );
  const labels = Uint8Array.from({ length: total }, () => Math.floor(random() * classes));
  return {
    facts: {
      name: "random",
      split: "test",
      shape: { rows, columns, channels },
      total,
      labelsPath: "random-labels",
      classNames: undefined,
    },
    sha256: async () => "1".repeat(64),
    slabs({ offset, limit }, { multiple }) {
      const step = Math.max(multiple, Math.floor(slabImages / multiple) * multiple);
      const slabs: Slab[] = [];
      for (let first = offset; first < offset + limit; first += step) {
        const count = Math.min(step, offset + limit - first);
        const slab = allocateSlab({ firstImage: first, count, inputs });
        slab.pixels.set(pixels.subarray(first * inputs, (first + count) * inputs));
        slab.labels.set(labels.subarray(first, first + count));
        slabs.push(slab);
      }
      return streamOf(slabs);
    },
  };
}
