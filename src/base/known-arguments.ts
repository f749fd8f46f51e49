/** Arguments that several public calls take: data sets, networks, and the options and hooks of an evaluation. */

import { SPLITS } from "#src/base/contracts/dataset.js";
import type { Tensor } from "#src/base/contracts/network.js";
import { ACTIVATIONS, type Layer, type Network, NORMALIZATIONS } from "#src/base/contracts/network.js";
import { shapeText } from "#src/base/errors/define.js";
import {
  also,
  anyOf,
  COUNT,
  either,
  FLAG,
  FUNCTION,
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

export const IMAGE_SHAPE = objectWith("an object with rows and columns", { rows: COUNT, columns: COUNT });

export const DATASET = objectWith("an open data set", {
  facts: objectWith(
    "facts",
    { name: TEXT, split: wordOf(SPLITS), shape: IMAGE_SHAPE, total: COUNT },
    {
      labelsPath: TEXT,
      classNames: listOf("a list of names", TEXT),
      view: objectWith("a view", { invert: FLAG, transpose: FLAG, labelOffset: NUMBER }),
      isDeflated: FLAG,
      assumptions: LIST,
    },
  ),
  sha256: FUNCTION,
  slabs: FUNCTION,
});

const FLOAT64 = anyOf("a Float64Array", isFloat64Array);

const LAYER = also(
  objectWith("a layer", {
    inputs: COUNT,
    outputs: COUNT,
    weights: FLOAT64,
    biases: FLOAT64,
    activation: wordOf(ACTIVATIONS),
  }),
  ({ inputs, outputs, weights, biases }: Layer) =>
    weights.length === inputs * outputs && biases.length === outputs
      ? undefined
      : `a layer of ${inputs} inputs and ${outputs} outputs with ${weights.length} weights and ${biases.length} biases`,
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
    { assumptions: LIST, unstated: LIST, imageSizes: LIST },
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
