/** Arguments that several public calls take: data sets, networks, and the options and hooks of an evaluation. */
import { SPLITS } from "#src/base/contracts/dataset.js";
import {
  ACTIVATIONS,
  type Layer,
  MAP_ORDERS,
  type Network,
  NORMALIZATIONS,
  OUTPUT_KINDS,
  type Tensor,
} from "#src/base/contracts/network.js";
import { shapeText } from "#src/base/errors/define.js";
import {
  also,
  anyOf,
  COUNT,
  either,
  FLAG,
  FUNCTION,
  type Kind,
  LIST,
  LOG,
  listOf,
  NUMBER,
  objectWith,
  SIGNAL,
  TEXT,
  wordOf,
} from "./arguments.js";
import { isFloat32Array, isFloat64Array, isUint8Array } from "./realm.js";

export const IMAGE_SHAPE = objectWith("an object with rows, columns and channels", {
  rows: COUNT,
  columns: COUNT,
  channels: COUNT,
});
/** The shape of a picture that is shown. Without channels it is grey. */
export const PICTURE_SHAPE = objectWith(
  "an object with rows and columns",
  { rows: COUNT, columns: COUNT },
  { channels: COUNT },
);

export const DATASET = objectWith("an open data set", {
  facts: objectWith(
    "facts",
    { name: TEXT, split: wordOf(SPLITS), shape: IMAGE_SHAPE, total: COUNT },
    {
      labelsPath: TEXT,
      classNames: listOf("a list of names", TEXT),
      view: objectWith("a view", { invert: FLAG, transpose: FLAG, grayscale: FLAG, labelOffset: NUMBER }),
      isDeflated: FLAG,
      assumptions: LIST,
    },
  ),
  sha256: FUNCTION,
  slabs: FUNCTION,
});

const FLOAT64 = anyOf("a Float64Array", isFloat64Array);

const MAP_SHAPE = objectWith("a shape of a map", { rows: COUNT, columns: COUNT, channels: COUNT });
const PAIR = listOf("a pair of numbers", COUNT);
const PADDING = objectWith("a padding", { top: NUMBER, left: NUMBER, bottom: NUMBER, right: NUMBER });

const WINDOW = { input: MAP_SHAPE, output: MAP_SHAPE, kernel: PAIR, stride: PAIR, padding: PADDING };
const POOL = objectWith("a pool", { ...WINDOW, countsPadding: FLAG });
const NUMBERS = { weights: FLOAT64, biases: FLOAT64 };
const CONV2D = { ...WINDOW, ...NUMBERS, dilation: PAIR, groups: COUNT, paddingValue: NUMBER };

/** Parts of each kind of layer. */
const PARTS: Readonly<Record<Layer["kind"], Kind>> = {
  dense: objectWith("a dense layer", NUMBERS),
  conv2d: objectWith("a convolution", CONV2D),
  "max-pool": POOL,
  "average-pool": POOL,
  activation: objectWith("an activation", {}),
};
const KINDS = ["dense", "conv2d", "max-pool", "average-pool", "activation"] as const;

/** What is wrong with the sizes of a layer; undefined if they fit. */
function brokenLayer(layer: Layer): string | undefined {
  const { inputs, outputs } = layer;
  if (layer.kind === "dense") {
    const { weights, biases } = layer;
    if (weights.length === inputs * outputs && biases.length === outputs) return undefined;
    return `a layer of ${inputs} inputs and ${outputs} outputs with ${weights.length} weights and ${biases.length} biases`;
  }
  if (layer.kind === "activation") {
    return inputs === outputs ? undefined : `an activation of ${inputs} inputs and ${outputs} outputs`;
  }
  const { input, output, kernel } = layer;
  const sizes = [input, output].map(({ rows, columns, channels }) => rows * columns * channels);
  if (sizes[0] !== inputs || sizes[1] !== outputs) {
    return `a ${layer.kind} of ${inputs} inputs and ${outputs} outputs between maps of ${sizes.join(" and ")}`;
  }
  if (layer.kind !== "conv2d") return undefined;
  const products = ((kernel[0] * kernel[1] * input.channels) / layer.groups) * output.channels;
  if (layer.weights.length === products && layer.biases.length === output.channels) return undefined;
  return `a conv2d of ${products} weights with ${layer.weights.length} weights and ${layer.biases.length} biases`;
}

const LAYER = also(
  objectWith(
    "a layer",
    { kind: wordOf(KINDS), inputs: COUNT, outputs: COUNT, activation: wordOf(ACTIVATIONS) },
    { activationNumbers: FLOAT64, ends: wordOf(OUTPUT_KINDS) },
  ),
  (layer: Layer) => PARTS[layer.kind].fault(layer) ?? brokenLayer(layer),
);

export const NETWORK = also(
  objectWith(
    "a loaded network",
    {
      name: TEXT,
      sha256: TEXT,
      layers: listOf("a list of layers", LAYER),
      preprocessing: objectWith("a preprocessing", { kind: wordOf(NORMALIZATIONS) }),
    },
    {
      assumptions: LIST,
      unstated: LIST,
      imageSizes: LIST,
      pixelOrder: wordOf(MAP_ORDERS),
      likelyPixelOrder: wordOf(MAP_ORDERS),
      classNames: listOf("a list of names", TEXT),
    },
  ),
  ({ layers }: Network) => {
    const broken = layers.findIndex(({ inputs }, n) => n > 0 && inputs !== layers[n - 1]!.outputs);
    if (broken < 0) return undefined;
    return `one whose layer ${broken + 1} reads ${layers[broken]!.inputs} numbers of ${layers[broken - 1]!.outputs}`;
  },
);

export const PIXELS = anyOf(
  "a Uint8Array, a Float32Array or a Float64Array",
  isUint8Array,
  isFloat32Array,
  isFloat64Array,
);

export const IMAGES = either(
  PIXELS,
  also(
    objectWith("an object with one as data and a shape", {
      data: PIXELS,
      shape: listOf("a list of sizes", COUNT),
    }),
    ({ data, shape }: Tensor<Uint8Array>) =>
      data.length === shape.reduce((product, size) => product * size, 1)
        ? undefined
        : `${data.length} numbers of the shape ${shapeText(shape)}`,
  ),
);

/** A path or a name, or what was opened already. */
export const ANY_DATASET = either(TEXT, DATASET);
export const ANY_NETWORK = either(TEXT, NETWORK);

/** Keys of a download's options; `offline` stands beside them. */
export const DOWNLOAD = { signal: SIGNAL, log: LOG, onDownload: FUNCTION };
