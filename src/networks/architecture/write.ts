/** Writes a chain of layers as an architecture over named arrays, and reads such an architecture from a file's metadata. */
import type { Layer, MapShape, Network, Padding, Pair } from "#src/base/contracts/network.js";
import type { NamedArrays } from "#src/files/formats/arrays.js";
import { isDense } from "#src/networks/chain.js";
import { assumedBefore, type DecodedChain } from "#src/networks/chain-facts.js";
import { assumedIn, type Metadata, pixelOrderIn } from "#src/networks/format.js";
import { writtenPreprocessing } from "#src/networks/recipe.js";
import type { Tensor } from "#src/networks/tensors.js";
import { isCeil, isSameMap, outputsFirst } from "#src/networks/weight-order.js";
import { decodeArchitecture } from "./arrays.js";
import { chainOfArchitecture } from "./chain.js";
import type { Architecture, ArchitectureLayer } from "./schema.js";

/** Key of the metadata that hold an architecture. */
export const ARCHITECTURE = "architecture";

/** Layers with the arrays that they name. */
export interface DescribedLayers {
  readonly architecture: Architecture;
  readonly tensors: readonly Tensor[];
}

/**
 * Describes layers. Arrays are W1, b1 and so on, by the number of the layer: weights of convolutions (outputs, inputs, rows,
 * columns), as PyTorch has them, and dense ones (inputs × outputs).
 */
export function describedLayers(
  network: Pick<Network, "layers" | "preprocessing"> &
    Partial<Pick<Network, "imageSizes" | "pixelOrder" | "likelyPixelOrder">>,
): DescribedLayers {
  const { layers, preprocessing, pixelOrder = network.likelyPixelOrder } = network;
  const image = imageOf(network);
  const tensors: Tensor[] = [];
  const written: ArchitectureLayer[] = [];
  let shape = image;
  for (const [index, layer] of layers.entries()) {
    const add = (kind: string, sizes: readonly number[], data: Float64Array) => {
      tensors.push({ name: `${kind}${index + 1}`, shape: sizes, data });
      return `${kind}${index + 1}`;
    };
    if (layer.kind === "dense" && typeof shape === "object") written.push({ type: "flatten" });
    if ("input" in layer && !isSameMap(shape, layer.input)) written.push(reshapeTo(layer.input));
    if (layer.kind !== "activation") written.push(layerOf(layer, add));
    written.push(...activationOf(layer, add));
    if (layer.kind !== "activation") shape = "output" in layer ? layer.output : layer.outputs;
  }
  const ends = layers.at(-1)?.ends ?? "logits";
  return {
    architecture: {
      input: typeof image === "number" ? image : [image.rows, image.columns, image.channels],
      preprocessing,
      // Layers are in our order, except those of a list of pixels in another one.
      flattening: (typeof image === "number" && isDense(layers) && pixelOrder) || "channels-last",
      convWeights: "oihw",
      denseWeights: "inputs-outputs",
      layers: written,
      ...(ends !== "logits" && { output: ends }),
    },
    tensors,
  };
}

/** Input of the first layer that is no activation: its map, or the number of pixels. A stated image size turns the number into a map. */
function imageOf({ layers, imageSizes = [] }: Parameters<typeof describedLayers>[0]): MapShape | number {
  const first = layers.find(({ kind }) => kind !== "activation") ?? layers[0];
  if (first !== undefined && "input" in first) return first.input;
  const inputs = first?.inputs ?? 0;
  const [rows = 0, columns = 0] = imageSizes;
  const channels = inputs / (rows * columns);
  return imageSizes.length >= 2 && Number.isInteger(channels) ? { rows, columns, channels } : inputs;
}

function reshapeTo({ rows, columns, channels }: MapShape): ArchitectureLayer {
  return { type: "reshape", shape: [rows, columns, channels] };
}

type Add = (kind: string, sizes: readonly number[], data: Float64Array) => string;

function layerOf(layer: Exclude<Layer, { readonly kind: "activation" }>, add: Add): ArchitectureLayer {
  if (layer.kind === "dense") {
    const { inputs, outputs, weights, biases } = layer;
    return {
      type: "dense",
      weights: add("W", [inputs, outputs], weights),
      bias: add("b", [outputs], biases),
    };
  }
  const { kernel, stride, padding } = layer;
  const window = { stride: pairOf(stride), padding: sidesOf(padding) };
  if (layer.kind !== "conv2d") {
    const isMax = layer.kind === "max-pool";
    const size = pairOf(kernel);
    const facts = { size, ...window, ...(isCeil(layer) && { ceil: true }) };
    return isMax
      ? { type: "max-pool", ...facts }
      : { type: "average-pool", ...facts, countsPadding: layer.countsPadding };
  }
  const { input, output, groups, dilation, weights, biases, paddingValue } = layer;
  const inputs = input.channels / groups;
  const { channels } = output;
  return {
    type: "conv2d",
    weights: add("W", [channels, inputs, ...kernel], outputsFirst(weights, inputs, channels)),
    bias: add("b", [channels], biases),
    ...window,
    dilation: pairOf(dilation),
    groups,
    ...(paddingValue !== 0 && { paddingValue }),
  };
}

function pairOf([rows, columns]: Pair): [rows: number, columns: number] {
  return [rows, columns];
}

function sidesOf({ top, left, bottom, right }: Padding): [number, number, number, number] {
  return [top, left, bottom, right];
}

/** The activation as a layer of its own; none for `identity`. Defaults are written out. */
function activationOf({ activation, activationNumbers: numbers }: Layer, add: Add): ArchitectureLayer[] {
  const [first, second] = numbers ?? [];
  switch (activation) {
    case "identity":
      return [];
    case "leaky-relu":
      return [{ type: activation, slope: first ?? 0.01 }];
    case "prelu": {
      const slopes = numbers ?? Float64Array.of(0.25);
      return [{ type: activation, slopes: add("slopes", [slopes.length], slopes) }];
    }
    case "elu":
      return [{ type: activation, alpha: first ?? 1 }];
    case "hard-sigmoid":
      return [{ type: activation, alpha: first ?? 1 / 6, beta: second ?? 0.5 }];
    case "hard-tanh":
      return [{ type: activation, low: first ?? -1, high: second ?? 1 }];
    default:
      return [{ type: activation }];
  }
}

/**
 * Returns the chain of an architecture in the metadata of a file of Batchwise.
 *
 * @throws NetworkError and FileError as `decodeArchitecture` and `chainOfArchitecture`
 */
export function chainOfMetadata(path: string, metadata: Metadata, arrays: NamedArrays): DecodedChain {
  const source = `metadata "${ARCHITECTURE}"`;
  const architecture = decodeArchitecture(path, metadata.get(ARCHITECTURE) ?? "");
  const chain = chainOfArchitecture(path, architecture, arrays, source);
  const assumed = assumedIn(path, metadata);
  return {
    ...chain,
    preprocessing: undefined,
    ...writtenPreprocessing(chain.preprocessing, assumed),
    ...pixelOrderIn(path, metadata),
    assumptions: assumedBefore(path, assumed, chain.layers),
  };
}
