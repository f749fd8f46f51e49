/** Preprocessing as its definitions say it, image by image: what folding must not change. */

import type { Network, Preprocessing } from "#src/base/contracts/network.js";
import { atLeast } from "#src/base/errors.js";
import { forwardRow } from "#src/engines/reference.js";
import type { WhiteningMatrix } from "#src/networks/preprocess.js";
import { numberOf } from "#src/networks/recipe.js";

export type Explicit = (bytes: Uint8Array) => number[];

/** For the recipes that are whole without a training split. */
export function explicitly(preprocessing: Preprocessing): Explicit {
  switch (preprocessing.kind) {
    case "scale":
      return (bytes) => Array.from(bytes, (byte) => byte / 255);
    case "standardize":
      return (bytes) =>
        Array.from(
          bytes,
          (byte) => (byte / 255 - numberOf(preprocessing.mean, 0)) / numberOf(preprocessing.std, 0),
        );
    default:
      return (bytes) => [...bytes];
  }
}

/** (x ÷ 255 − μ) · A */
export function whitened({ means, matrix }: Pick<WhiteningMatrix, "means" | "matrix">): Explicit {
  const inputs = means.length;
  return (bytes) => {
    const centred = Array.from(bytes, (byte, i) => byte / 255 - means[i]!);
    return centred.map((_, k) => centred.reduce((sum, value, i) => sum + value * matrix[i * inputs + k]!, 0));
  };
}

/** The logits of each image (I) in turn, by the layers as they were trained. */
export function explicitLogits(
  layers: Network["layers"],
  pixels: Uint8Array,
  preprocess: Explicit,
): Float64Array {
  const [{ inputs }] = atLeast(layers, 1);
  const logits: number[] = [];
  for (let at = 0; at < pixels.length; at += inputs) {
    logits.push(...Array.from(forwardRow(layers, preprocess(pixels.subarray(at, at + inputs)))));
  }
  return Float64Array.from(logits);
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} and ${b.length} values`);
  return Math.max(...Array.from(a, (value, n) => Math.abs(value - b[n]!)));
}
