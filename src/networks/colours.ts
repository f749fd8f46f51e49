/** How networks read the bytes of colours: their number, their order, their preprocessing. */

import type { Assumption } from "#src/base/assumptions.js";
import { type ImageShape, imageSizes } from "#src/base/contracts/dataset.js";
import type { OnnxModel } from "#src/base/contracts/engine.js";
import type { Layer, MapOrder, MapShape, Network, Preprocessing } from "#src/base/contracts/network.js";
import { atLeast, NetworkError } from "#src/base/errors.js";
import { layerSizes } from "./chain.js";
import { assertFitsImages, assertSizes, mapSizes, nextStep } from "./images.js";
import { channelsLast } from "./normalization.js";
import { channelsOf } from "./recipe.js";
import { GRAPH_ORDER } from "./unit-order.js";
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
  // Sizes of 1 beside a single other one are a list of pixels, in a graph whose operators read only maps.
  if (shape.filter((size) => size > 1).length < 2) return undefined;
  if (shape.length < 3) return shape;
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
    return readingOfModel(network, shape);
  }
  assertFitsImages(network, network.name, shape);
  if (shape.channels === 1 || mapSizes(network.layers[0]) !== undefined) return { network, assumptions: [] };
  const { pixelOrder, likelyPixelOrder = "channels-last" } = network;
  const assumptions = pixelOrder === undefined ? [orderAssumed(network.name, likelyPixelOrder)] : [];
  if ((pixelOrder ?? likelyPixelOrder) === "channels-last") return { network, assumptions };
  const layers = inOurOrder(network, shape);
  return {
    network: { ...network, layers, imageSizes: imageSizes(shape), pixelOrder: "channels-last" },
    assumptions,
  };
}

/** A whole model may read a list of pixels, whose order no graph shows. */
function readingOfModel(model: OnnxModel, { channels }: ImageShape): ReadImages<OnnxModel> {
  const { input } = model;
  if (input.shape.length > 1) return { network: model, assumptions: [] };
  const order = channels === 1 ? undefined : (input.order ?? input.likelyOrder ?? GRAPH_ORDER);
  const isAssumed = order !== undefined && input.order === undefined;
  return {
    network: { ...model, input: { ...input, order } },
    assumptions: isAssumed ? [orderAssumed(model.name, order)] : [],
  };
}

const SIDE_BY_SIDE: Readonly<Record<MapOrder, string>> = {
  "channels-first": "the bytes of a channel side by side (channels, rows, columns)",
  "channels-last": "the bytes of a pixel side by side (rows, columns, channels)",
};

/** Files of arrays alone, whose layers an architecture may state: a map as its input, and a flattening. */
const ARRAYS_ALONE = /\.(pt|pth|npz)$/i;

function orderAssumed(source: string, order: MapOrder): Assumption {
  const option = ARRAYS_ALONE.test(source) ? "--architecture" : null;
  return { subject: "pixels", what: SIDE_BY_SIDE[order], source, option };
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
