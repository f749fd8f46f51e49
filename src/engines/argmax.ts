import type { Activation } from "#src/base/contracts/network.js";

/** The predicted class. */

/** Index of the largest of the `count` values from `start`; the first of equals, as in NumPy. Values are not NaN. */
export function argmax(values: ArrayLike<number>, start = 0, count = values.length): number {
  let best = 0;
  for (let n = 1; n < count; n++) {
    if (values[start + n] > values[start + best]) best = n;
  }
  return best;
}

/** An image has a logit that is NaN: it has no class. Whoever knows the data set turns this into ERR_LOGITS_NAN. */
export class NanLogitError extends Error {
  /** The image's place among those that were given. */
  readonly image: number;

  constructor(image: number) {
    super(`a logit of image ${image} is NaN`);
    this.image = image;
  }
}

/**
 * The argmax of one image's logits. @param image its place among those that were given
 *
 * @throws NanLogitError where a logit is NaN
 */
export function predictClass(
  logits: ArrayLike<number>,
  image: number,
  start = 0,
  count = logits.length,
): number {
  let best = 0;
  let largest = Number.NEGATIVE_INFINITY;
  for (let n = 0; n < count; n++) {
    const logit = logits[start + n];
    if (logit > largest) {
      largest = logit;
      best = n;
    } else if (Number.isNaN(logit)) {
      throw new NanLogitError(image);
    }
  }
  return best;
}

// The activations, element by element, in float64.

export const ACTIVATE: Readonly<Record<Activation, (x: number) => number>> = {
  sigmoid,
  relu: (x) => Math.max(x, 0),
  tanh: Math.tanh,
  identity: (x) => x,
};

/** 1 / (1 + e⁻ˣ). Large negative x gives 0 through e⁻ˣ = ∞, without NaN. */
export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
