/** Readers of weights as text, JSON and CSV, and of pickles of other layouts than a dict. */

import type { NamedArray } from "#src/files/formats/arrays.js";
import { decodeCsv } from "#src/files/formats/csv-arrays.js";
import { decodeJson } from "#src/files/formats/json-arrays.js";
import { decodeArchitecture } from "#src/networks/architecture/arrays.js";
import { chainOfArchitecture } from "#src/networks/architecture/chain.js";
import { buildLayers } from "#src/networks/validate.js";
import { JSON_TOKENS, JSON_WORDS, type Seed, type Target, textPieces } from "../target.js";
import { malformed } from "./malformed.js";

function jsonSeed(name: string, value: unknown): Seed {
  const text = JSON.stringify(value);
  return { name, bytes: Buffer.from(text), inner: textPieces(text, JSON_TOKENS) };
}

const WEIGHTS = [
  [0.5, -1, 2],
  [0.25, 1e-3, -7],
] as const;
const OTHER_WEIGHTS = [[0.5, 1.5]] as const;

const json: Target = {
  name: "json-weights",
  seeds: [
    jsonSeed("Nielsen's", {
      sizes: [3, 2, 1],
      weights: [WEIGHTS, OTHER_WEIGHTS],
      biases: [[[0.5], [1]], [[0]]],
      cost: "CrossEntropyCost",
    }),
    jsonSeed("a state dict", {
      "fc1.weight": WEIGHTS,
      "fc1.bias": [0, 0.5],
      "fc2.weight": OTHER_WEIGHTS,
      "fc2.bias": [1.5],
    }),
    jsonSeed("layers", [
      { w: WEIGHTS, b: [0, 0.5], activation: "relu" },
      { w: OTHER_WEIGHTS, b: [1.5] },
    ]),
    ...malformed(".weights.json"),
  ],
  words: [
    ...JSON_WORDS,
    "NaN",
    "-Infinity",
    "[[0.5]]",
    "[[],[]]",
    '"sizes":[3,2,1],',
    '"mean":[1,2,3],',
    "[0.5],".repeat(3_000),
  ],
  codes: /^ERR_(WEIGHTS_TEXT|WEIGHTS_SIZE|NETWORK_\w+)$/,
  onDisk: false,
  async read(bytes, path) {
    const layers = buildLayers(path, decodeJson(path, bytes).arrays, "sigmoid");
    const isWhole = layers.every(({ inputs, outputs, weights, biases }, index) => {
      const isChained = index === 0 || layers[index - 1]?.outputs === inputs;
      return isChained && weights.length === inputs * outputs && biases.length === outputs;
    });
    return isWhole && layers.length > 0 ? undefined : "read a network that is not whole";
  },
};

/** Arrays by which the architectures of the seeds are whole. */
const ARRAYS: ReadonlyMap<string, NamedArray> = new Map(
  Object.entries({ c: [2, 1, 3, 3], cb: [2], n: [2], v: [2], s: [2], d: [3, 8], e: [3, 3] }).map(
    ([name, shape]) => {
      const length = shape.reduce((product, size) => product * size, 1);
      return [name, { shape, data: Float64Array.from({ length }, (_, index) => (index % 7) / 7 + 0.1) }];
    },
  ),
);

const architecture: Target = {
  name: "architecture",
  seeds: [
    jsonSeed("a convolution", {
      input: [4, 4],
      preprocessing: { kind: "standardize", mean: 0.1, std: 0.3 },
      layers: [
        { type: "conv2d", weights: "c", bias: "cb", padding: 1, stride: 1, dilation: [1, 1], groups: 1 },
        { type: "batch-normalization", weights: "n", bias: "n", mean: "n", variance: "v", epsilon: 1e-3 },
        { type: "prelu", slopes: "s" },
        { type: "max-pool", size: 2, ceil: true },
        { type: "flatten" },
        { type: "dense", weights: "d" },
        { type: "hard-tanh", low: -0.5, high: 1 },
        { type: "dense", weights: "e" },
      ],
      output: "log-softmax",
    }),
    jsonSeed("other orders", {
      input: [8, 4, 1],
      convWeights: "hwio",
      denseWeights: "inputs-outputs",
      flattening: "channels-last",
      layers: [
        { type: "pad", padding: [0, 1, 2, 0] },
        { type: "average-pool", size: [2, 1], stride: 2, padding: "same", countsPadding: true },
        { type: "global-max-pool" },
        { type: "elu", alpha: 0.5 },
      ],
      ignored: [...ARRAYS.keys()],
    }),
  ],
  words: [
    ...JSON_WORDS,
    ...['"?"', '"same"', '"type":"reshape","shape":[1,16,1],', '"padding":33554432,', '"size":33554432,'],
    ...['"stride":3,', '"groups":2,', '"paddingValue":1e308,', '"epsilon":0,', '"weights":"c",'],
    '{"type":"relu"},'.repeat(2_500),
  ],
  codes: /^ERR_(JSON_SYNTAX|NETWORK_\w+)$/,
  onDisk: false,
  async read(bytes, path) {
    const document = decodeArchitecture(path, Buffer.from(bytes).toString("utf8"));
    const { layers } = chainOfArchitecture(path, document, ARRAYS, "layers.json");
    const isChain = layers.every(({ inputs }, n) => n === 0 || layers[n - 1]?.outputs === inputs);
    return isChain && layers.length > 0 ? undefined : "read a network that is not whole";
  },
};

const csv: Target = {
  name: "csv-weights",
  seeds: [
    { name: "commas", bytes: Buffer.from("0.5,-1e-3,2\n0.25,1,-7\n") },
    { name: "spaces under a comment", bytes: Buffer.from("# 2 x 2\r\n0.5 1.5\r\n\r\n.25  -3.\r\n") },
    { name: "a column", bytes: Buffer.from("\ufeff0.5\n-1\n2\n") },
    ...malformed(".weights.csv"),
  ],
  words: [
    "nan",
    "-inf",
    "1e999",
    "0x10",
    "#",
    "\n\n",
    "\r",
    ",,",
    ";",
    "\t",
    "1_000",
    "\0",
    "9".repeat(500),
    "1,".repeat(5_000),
  ],
  codes: /^ERR_WEIGHTS_TEXT$/,
  onDisk: false,
  async read(bytes, path) {
    const { shape, data } = decodeCsv(path, bytes);
    const [rows = 0, columns = 0] = shape;
    return rows > 0 && columns > 0 && data.length === rows * columns
      ? undefined
      : `read ${data.length} numbers for ${shape}`;
  },
};

export const TEXT_NETWORK_TARGETS: readonly Target[] = [json, architecture, csv];
