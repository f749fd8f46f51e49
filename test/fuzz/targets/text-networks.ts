/** Readers of weights as text, JSON and CSV, and of pickles of other layouts than a dict. */
import { decodeCsv } from "#src/files/formats/csv-arrays.js";
import { decodeJson } from "#src/files/formats/json-arrays.js";
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

export const TEXT_NETWORK_TARGETS: readonly Target[] = [json, csv];
