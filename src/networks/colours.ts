/** How networks read the bytes of colours: their number, their order, their preprocessing. */

import type { Assumption } from "#src/base/assumptions.js";
import { type ImageShape, imageSizes } from "#src/base/contracts/dataset.js";
import type { Layer, MapShape, Network, OnnxModel, Preprocessing } from "#src/base/contracts/network.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { layerSizes } from "./chain.js";
import { assertFitsImages, assertSizes, mapSizes, nextStep } from "./images.js";
import { channelsLast } from "./normalization.js";
import { channelsOf } from "./recipe.js";
import { finiteCopy } from "./validate.js";

/**
 * @throws NetworkError ERR_NETWORK_INPUTS if the model reads another number of bytes; ERR_NETWORK_IMAGES if it reads
 *   images of other rows, columns or channels
 */
export function assertModelFits(model: OnnxModel, shape: ImageShape): void {
  const [expected] = atLeast(layerSizes(model), 1);
  const stated = statedSizes(model.input);
  // Sizes say more than their product.
  if (stated !== undefined && `${stated}` !== `${imageSizes(shape)}`) {
    const facts = { path: model.name, expected: stated, found: imageSizes(shape) };
    throw new NetworkError("ERR_NETWORK_IMAGES", { ...facts, ...nextStep(stated, expected, shape) });
  }
  assertSizes(model.name, stated, expected, shape);
}

/** Rows and columns, and channels if there are several; undefined for a list of pixels. */
function statedSizes({ shape, order }: OnnxModel["input"]): readonly number[] | undefined {
  const [first = 1, second = 1, third = 1] = shape;
  if (shape.length < 3) return shape.length === 2 ? shape : undefined;
  if (first === 1) return [second, third];
  return third === 1 ? [first, second] : order === "channels-first" ? [second, third, first] : shape;
}

/** @throws NetworkError ERR_NORMALIZE_CHANNELS if there are other numbers than one, or one for each channel */
function assertChannels(path: string, preprocessing: Preprocessing, { channels }: ImageShape): void {
  const found = channelsOf(preprocessing);
  if (found === 1 || found === channels) return;
  throw new NetworkError("ERR_NORMALIZE_CHANNELS", { path, expected: channels, found });
}

/** A network that reads the bytes of the images as they lie in slabs, and what that assumes. */
export interface ReadImages<N> {
  readonly network: N;
  readonly assumptions: readonly Assumption[];
}

/** `networkFor` of evaluations, for coloured images, whole models, and preprocessing per channel. */
export function readingOfColours(
  network: Network | OnnxModel,
  shape: ImageShape,
): ReadImages<Network | OnnxModel> {
  assertChannels(network.name, network.preprocessing, shape);
  if (!("layers" in network)) {
    assertModelFits(network, shape);
    const isList = shape.channels > 1 && network.input.shape.length === 1;
    const { order = "channels-first" } = network.input;
    return {
      network: isList ? { ...network, input: { ...network.input, order } } : network,
      assumptions: [],
    };
  }
  assertFitsImages(network, network.name, shape);
  const { pixelOrder } = network;
  if (shape.channels === 1 || pixelOrder === "channels-last") return { network, assumptions: [] };
  if (pixelOrder === undefined) {
    const what = "the bytes of a pixel side by side (rows, columns, channels)";
    const assumed = { subject: "pixels", what, source: network.name, option: null } as const;
    return { network, assumptions: mapSizes(network.layers[0]) === undefined ? [assumed] : [] };
  }
  const layers = inOurOrder(network, shape);
  return {
    network: { ...network, layers, imageSizes: imageSizes(shape), pixelOrder: "channels-last" },
    assumptions: [],
  };
}

/** The layers of a network that reads (channels, rows, columns), for (rows, columns, channels). */
function inOurOrder({ name, layers }: Network, map: MapShape): Layer[] {
  const changed: Layer[] = [];
  for (const [n, layer] of layers.entries()) {
    if (layer.kind === "dense") {
      const weights = finiteCopy(name, "W1", channelsLast(layer.weights, map, layer.outputs));
      return [...changed, { ...layer, weights }, ...layers.slice(n + 1)];
    }
    const moved = moveUnits(name, layer, map);
    if (moved === undefined) break;
    changed.push(moved);
  }
  throw new NetworkError("ERR_NETWORK_LAYER", {
    path: name,
    layer: "layers",
    expected: "a fully connected layer that reads the list of pixels",
    found: layers[changed.length]?.kind ?? "none",
  });
}

/** A layer of each unit by itself, with its units in our order; undefined for another layer. */
function moveUnits(name: string, layer: Layer, map: MapShape): Layer | undefined {
  const { activationNumbers: numbers } = layer;
  const activationNumbers =
    numbers === undefined || numbers.length === 1 || layer.activation !== "prelu"
      ? numbers
      : finiteCopy(name, "slopes", channelsLast(numbers, map, 1));
  if (layer.kind === "activation") return { ...layer, activationNumbers };
  if (layer.kind !== "conv2d" || layer.groups !== layer.inputs || layer.outputs !== layer.inputs)
    return undefined;
  const [weights, biases] = [layer.weights, layer.biases].map((values) =>
    finiteCopy(name, "W1", channelsLast(values, map, 1)),
  );
  return weights && biases && { ...layer, weights, biases, activationNumbers };
}
