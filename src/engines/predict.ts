/** Probabilities of a network for images in memory, as the book's `predict`. */
import { checkArgument } from "#src/base/arguments.js";
import type { Network, Tensor } from "#src/base/contracts/network.js";
import { NetworkError, UsageError } from "#src/base/errors.js";
import { IMAGES, NETWORK } from "#src/base/known-arguments.js";
import { isUint8Array } from "#src/base/realm.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { NanLogitError, predictClass, probabilitiesInPlace } from "./logits.js";
import { forwardRow } from "./reference.js";

type Pixels = Uint8Array | Float32Array | Float64Array;

/**
 * The book's `predict(network, x)` (ch03/neuralnet_mnist.py): forward pass and softmax, in float64.
 *
 * @param images (inputs), or (N, inputs) in any shape that begins with N, row-major: bytes 0..255, or floating-point
 *   values 0..1, which are bytes ÷ 255, as in the book and in `loadMnist`'s `x`. Both are preprocessed as the network needs
 *   them; with `none` they stay unchanged.
 * @returns (outputs) or (N, outputs), each row a distribution over the classes
 * @throws NetworkError ERR_NETWORK_INPUTS if the images do not have the network's inputs; ERR_LOGITS_NAN if finite
 *   weights overflow so that a logit is NaN, with the image's index among those given; ERR_NETWORK_SCORES for scores
 * @throws UsageError ERR_ARGUMENT if an argument is not a network, or not such pixels
 */
export function predict(network: Network, images: Tensor<Pixels> | Pixels): Tensor<Float64Array> {
  checkArgument("predict", "network", network, NETWORK);
  checkArgument("predict", "images", images, IMAGES);
  const data = "shape" in images ? images.data : images;
  if (!isUint8Array(data) && network.preprocessing.kind !== "none") assertFractions(data);
  const { probabilities } = classify(network, images, (image) => image);
  if (probabilities !== undefined) return probabilities;
  throw new NetworkError("ERR_NETWORK_SCORES", { path: network.name, use: "probabilities" });
}

export interface Classified {
  /** Probabilities as `predict` returns them; undefined for a network whose outputs are scores. */
  readonly probabilities: Tensor<Float64Array> | undefined;
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
      if (ends !== "scores") probabilitiesInPlace(ends ?? "logits", probabilities, image * outputs, outputs);
    }
  } catch (error) {
    if (!(error instanceof NanLogitError)) throw error;
    throw new NetworkError("ERR_LOGITS_NAN", { path: network.name, image: nameOf(error.image) });
  }
  return {
    probabilities:
      ends === "scores" ? undefined : { data: probabilities, shape: isBatch ? [count, outputs] : [outputs] },
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
