/** From the logits of an image to its class and its probabilities. */
import { checkArgument } from "#src/base/arguments.js";
import type { Network, OutputKind, Tensor } from "#src/base/contracts/network.js";
import { NetworkError, UsageError } from "#src/base/errors.js";
import { IMAGES, NETWORK } from "#src/base/known-arguments.js";
import { isUint8Array } from "#src/base/realm.js";
import { foldPreprocessing } from "#src/networks/fold.js";
import { forwardRow } from "./reference.js";

/** Index, relative to `start`, of the largest of `count` values; the first of equals, as in NumPy. No value may be NaN. */
export function argmax(values: ArrayLike<number>, start = 0, count = values.length): number {
  let best = 0;
  for (let n = 1; n < count; n++) {
    if (values[start + n]! > values[start + best]!) best = n;
  }
  return best;
}

/** An image has a logit that is NaN, so it has no class. A caller that knows the data set turns this into ERR_LOGITS_NAN. */
export class NanLogitError extends Error {
  /** Index of the image among those given. */
  readonly image: number;

  constructor(image: number) {
    super(`a logit of image ${image} is NaN`);
    this.image = image;
  }
}

/**
 * Argmax of one image's `count` logits from `start`, the first of equals.
 *
 * @param image index of the image among those given, for the error
 * @throws NanLogitError if a logit is NaN
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
    const logit = logits[start + n]!;
    if (logit > largest) {
      largest = logit;
      best = n;
    } else if (Number.isNaN(logit)) {
      throw new NanLogitError(image);
    }
  }
  return best;
}

/**
 * softmax(x)ᵢ = e^(xᵢ − max x) ÷ Σ e^(xⱼ − max x), float64. Stable: the largest exponent is 0, so nothing overflows.
 * Infinite logits give the limit: if the largest is ±∞, all that equal it share 1 equally. NaN gives NaN.
 * Source: the book's common/functions.py.
 */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  softmaxInPlace(values, 0, values.length);
  return values;
}

/** Replaces the `count` values from `start` by their softmax, with the same bits as `softmax`. */
export function softmaxInPlace(values: Float64Array, start: number, count: number): void {
  const end = start + count;
  let largest = Number.NEGATIVE_INFINITY;
  for (let n = start; n < end; n++) if (values[n]! > largest) largest = values[n]!;
  if (!Number.isFinite(largest)) {
    shareEqually(values, start, end, largest);
    return;
  }
  let sum = 0;
  for (let n = start; n < end; n++) {
    values[n] = Math.exp(values[n]! - largest);
    sum += values[n]!;
  }
  for (let n = start; n < end; n++) values[n]! /= sum;
}

/**
 * Replaces the `count` logits from `start` by the probabilities of a model whose outputs are of `kind`. For logits, softmax
 * and log softmax these are the softmax. Sigmoids are divided by their sum, as in scikit-learn's
 * `OneVsRestClassifier.predict_proba` and Keras' `categorical_crossentropy`: σ(z)ᵢ ÷ Σ σ(z)ⱼ = softmax(ln σ(z))ᵢ. The right
 * side also gives the limit if every σ(z) is 0 in float64.
 */
export function probabilitiesInPlace(
  kind: OutputKind,
  values: Float64Array,
  start: number,
  count: number,
): void {
  if (kind === "sigmoid") {
    for (let n = start; n < start + count; n++) values[n] = logSigmoid(values[n]!);
  }
  softmaxInPlace(values, start, count);
}

/** ln σ(z) = min(z, 0) − ln(1 + e^−|z|), which neither overflows nor cancels. */
function logSigmoid(z: number): number {
  return Math.min(z, 0) - Math.log1p(Math.exp(-Math.abs(z)));
}

/** 1 ÷ m for each of the m values that equal `largest`, 0 for the others; NaN for all if one is NaN. */
function shareEqually(values: Float64Array, start: number, end: number, largest: number): void {
  let sharing = 0;
  let isNan = false;
  for (let n = start; n < end; n++) {
    if (values[n] === largest) sharing++;
    else if (Number.isNaN(values[n])) isNan = true;
  }
  for (let n = start; n < end; n++) {
    values[n] = isNan ? Number.NaN : values[n] === largest ? 1 / sharing : 0;
  }
}

type Pixels = Uint8Array | Float32Array | Float64Array;

/**
 * The book's `predict(network, x)` (ch03/neuralnet_mnist.py): forward pass and softmax, in float64.
 *
 * @param images (inputs), or (N, inputs) in any shape that begins with N, row-major: bytes 0..255, or floating-point
 *   values 0..1, which are bytes ÷ 255, as in the book and in `loadMnist`'s `x`. Both are preprocessed as the network needs
 *   them; with `none` they stay unchanged.
 * @returns (outputs) or (N, outputs), each row a distribution over the classes
 * @throws NetworkError ERR_NETWORK_INPUTS if the images do not have the network's inputs; ERR_LOGITS_NAN if finite
 *   weights overflow so that a logit is NaN, with the image's index among those given
 * @throws UsageError ERR_ARGUMENT if an argument is not a network, or not such pixels
 */
export function predict(network: Network, images: Tensor<Pixels> | Pixels): Tensor<Float64Array> {
  checkArgument("predict", "network", network, NETWORK);
  checkArgument("predict", "images", images, IMAGES);
  const data = "shape" in images ? images.data : images;
  if (!isUint8Array(data) && network.preprocessing.kind !== "none") assertFractions(data);
  return classify(network, images, (image) => image).probabilities;
}

export interface Classified {
  /** Probabilities as `predict` returns them. */
  readonly probabilities: Tensor<Float64Array>;
  /** (N) u16: argmax of each image's logits. Probabilities can be equal when logits are not. */
  readonly predictions: Uint16Array;
}

/** Classifies images as `predict` does. @param nameOf name of an image for messages, by its index among those given */
export function classify(
  network: Network,
  images: Tensor<Pixels> | Pixels,
  nameOf: (image: number) => number | string,
): Classified {
  const { data, shape } = "shape" in images ? images : { data: images, shape: [images.length] };
  const layers = foldPreprocessing(network, isUint8Array(data) ? "byte" : "fraction");
  const { inputs } = layers[0]!;
  const { outputs, ends } = layers[layers.length - 1]!;
  const isBatch = shape.length > 1;
  const found = isBatch ? data.length / shape[0]! : data.length;
  if (found !== inputs) {
    throw new NetworkError("ERR_NETWORK_INPUTS", {
      path: network.name,
      expected: inputs,
      found,
      imageShape: isBatch ? shape.slice(1) : shape,
    });
  }
  const count = data.length / inputs;
  const probabilities = new Float64Array(count * outputs);
  const predictions = new Uint16Array(count);
  try {
    for (let image = 0; image < count; image++) {
      const logits = forwardRow(layers, data.subarray(image * inputs, (image + 1) * inputs));
      predictions[image] = predictClass(logits, image);
      probabilities.set(logits, image * outputs);
      probabilitiesInPlace(ends ?? "logits", probabilities, image * outputs, outputs);
    }
  } catch (error) {
    if (!(error instanceof NanLogitError)) throw error;
    throw new NetworkError("ERR_LOGITS_NAN", { path: network.name, image: nameOf(error.image) });
  }
  return {
    probabilities: { data: probabilities, shape: isBatch ? [count, outputs] : [outputs] },
    predictions,
  };
}

/** Rejects bytes in an array of floating-point numbers, which would be read as pixels 255 times as bright. */
function assertFractions(pixels: Float32Array | Float64Array): void {
  const found = pixels.find((value) => value < 0 || value > 1);
  if (found === undefined) return;
  throw new UsageError("ERR_ARGUMENT", {
    call: "predict",
    argument: "images",
    expected: "floating-point pixels from 0 to 1, or bytes in a Uint8Array",
    found: String(found),
  });
}
