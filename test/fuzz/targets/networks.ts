/** Readers of weights: .npy, .npz, pickle, safetensors, ONNX. */
import { readdirSync, readFileSync } from "node:fs";
import type { Layer } from "#src/base/contracts/network.js";
import { FIXTURES } from "#src/base/package.js";
import { decodePickle } from "#src/files/formats/pickle/decode.js";
import { ChainBuilder } from "#src/networks/chain-builder.js";
import { activationOf } from "#src/networks/format.js";
import { decodeNpy, decodeNpz, encodeNpy } from "#src/networks/numpy.js";
import { decodeOnnx } from "#src/networks/onnx/decode.js";
import { encodeOnnx } from "#src/networks/onnx/encode.js";
import { readPreprocessing } from "#src/networks/recipe.js";
import { decodeSafetensors } from "#src/networks/safetensors.js";
import { buildLayers } from "#src/networks/validate.js";
import { encodeSafetensors } from "#src/networks/write-safetensors.js";
import { npyDict, npyFile, npyFloats } from "../../helpers/npy.js";
import { fields } from "../../helpers/onnx.js";
import { randomNetwork } from "../../helpers/random.js";
import { JSON_TOKENS, JSON_WORDS, type Seed, type Target } from "../target.js";
import { KERAS_TARGETS } from "./keras.js";
import { malformed } from "./malformed.js";
import { archive } from "./npz.js";

/** Small, so that most of a file is structure. */
const NETWORK = randomNetwork([4, 3, 2], "relu", 5);
const STANDARDIZED = { ...NETWORK, preprocessing: { kind: "standardize", mean: 0.13, std: 0.3 } } as const;
/** What any reader of networks may say of arrays that are whole, and of no network. */
const OF_NETWORKS = "NETWORK_\\w+|ARRAY_\\w+|WEIGHTS_SIZE|RECIPE";
const LAYER_FAULT = "read a network that is not whole";

function unlessWhole(layers: readonly Layer[]): string | undefined {
  const isWhole = layers.every((layer) => {
    if (layer.kind !== "dense" && layer.kind !== "conv2d") return true;
    const { weights, biases, inputs, outputs } = layer;
    const expected =
      layer.kind === "dense"
        ? inputs * outputs
        : ((layer.kernel[0] * layer.kernel[1] * layer.input.channels) / layer.groups) * layer.output.channels;
    const units = layer.kind === "dense" ? outputs : layer.output.channels;
    return (
      weights.length === expected &&
      biases.length === units &&
      weights.every(Number.isFinite) &&
      biases.every(Number.isFinite)
    );
  });
  const isChained = layers.every(({ inputs }, n) => n === 0 || layers[n - 1]!.outputs === inputs);
  return isWhole && isChained && layers.length > 0 ? undefined : LAYER_FAULT;
}

const NPY_WORDS = [
  "'|O'",
  "'<f2'",
  "'>f8'",
  "'<i8'",
  "True",
  "(0, 0)",
  "(4294967295, 4294967295)",
  "(2, )",
  "()",
  "\x93NUMPY\x02\0\xff\xff\xff\xff",
  "'descr': ",
  "[('a', '<f4')]",
];

/** Its dict and its elements, with the length of the dict as it then is. */
function array(name: string, dict: string, elements: Uint8Array): Seed {
  const pack = (pieces: readonly Uint8Array[]) => {
    const text = Buffer.concat(pieces.slice(0, -1)).toString("latin1");
    return npyFile(text.slice(0, 60_000), pieces.at(-1) ?? new Uint8Array());
  };
  const tokens = dict.match(/'[^']*'|\w+|\s+|[^\s\w]/g) ?? [];
  return {
    name,
    bytes: npyFile(dict, elements),
    inner: { pieces: [...tokens.map((token) => Buffer.from(token)), elements], pack },
  };
}

const npy: Target = {
  name: "npy",
  seeds: [
    {
      name: "as we write",
      bytes: encodeNpy("W1", { shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) }, "float64"),
    },
    array("float32", npyDict("<f4", [2, 3]), new Uint8Array(24)),
    array("float16, in Fortran order", npyDict(">f2", [3, 2, 2], true), new Uint8Array(24)),
    array("a number", npyDict("<f8", []).replace("()", "( )"), new Uint8Array(8)),
    array("nothing", npyDict("<f8", [0, 2 ** 40]), new Uint8Array()),
    { name: "version 3", bytes: npyFile(npyDict("<f4", [2]), new Uint8Array(8), 3) },
    ...malformed(".npy"),
  ],
  words: NPY_WORDS,
  codes: /^ERR_(NPY_\w+|ARRAY_DTYPE|WEIGHTS_SIZE)$/,
  onDisk: false,
  async read(bytes, path) {
    const { shape, data } = decodeNpy(path, "W1", bytes);
    return data.length === shape.reduce((all, size) => all * size, 1)
      ? undefined
      : `read ${data.length} elements for ${shape}`;
  },
};

const ARRAYS = { "W1.npy": npyFloats([2, 2], [1, 2, 3, 4]), "b1.npy": npyFloats([2], [5, 6]) };

const npz: Target = {
  name: "npz",
  seeds: [
    archive("stored", ARRAYS),
    archive("deflated", ARRAYS, true),
    archive(
      "two layers",
      { ...ARRAYS, "W2.npy": npyFloats([2, 1], [1, 1]), "b2.npy": npyFloats([1], [0]) },
      true,
    ),
    ...malformed(".npz"),
  ],
  words: [...NPY_WORDS, "W1.npy\0", "../b1.npy\0", "PK\x03\x04", "PK\x05\x06", "PK\x01\x02"],
  codes: new RegExp(`^ERR_(ZIP_\\w+|NPY_\\w+|${OF_NETWORKS})$`),
  onDisk: false,
  async read(bytes, path) {
    return unlessWhole(buildLayers(path, await decodeNpz(path, bytes), "sigmoid"));
  },
};

function pickles(): Seed[] {
  return ["pickles/", "pickles/layouts/"].flatMap((path) => {
    const folder = new URL(path, FIXTURES);
    const names = readdirSync(folder).filter((name) => name.endsWith(".pkl"));
    return names.map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }));
  });
}

const pickle: Target = {
  name: "pickle",
  seeds: [...pickles(), ...malformed(".pkl")],
  words: [
    ..."().012FIJKLMNPQRSTUVX]abcdeghijloqrstu}\x80\x81\x82\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98",
    "cposix\nsystem\n",
    "ccollections\nOrderedDict\n)R",
    "cnumpy\nndarray\n",
    "cnumpy\ndtype\n",
    "\x8c\x09__proto__",
    "X\xff\xff\xff\xff",
    "\x8e\xff\xff\xff\xff\0\0\0\0",
    "\x8b\xff\xff\xff\x7f",
    "I9007199254740993\n",
    "F1e999\n",
    "Vx\\U0010ffff\n",
    "S'\\x00\\''\n",
    "((((((((",
    "]".repeat(1_000),
    "\x94".repeat(1_000),
    "\x85".repeat(10_000),
  ],
  codes: new RegExp(`^ERR_(PICKLE_\\w+|${OF_NETWORKS})$`),
  onDisk: false,
  async read(bytes, path) {
    return unlessWhole(buildLayers(path, decodePickle(path, bytes).arrays, "sigmoid"));
  },
};

/** The header's tokens and the data, with the header's length as it then is. */
function safetensorsSeed(name: string, bytes: Uint8Array): Seed {
  const dataBegin = 8 + Number(Buffer.from(bytes).readBigUInt64LE(0));
  const tokens = Buffer.from(bytes.subarray(8, dataBegin)).toString().match(JSON_TOKENS) ?? [];
  const pieces = [...tokens.map((token) => Buffer.from(token)), bytes.subarray(dataBegin)];
  const pack = (changed: readonly Uint8Array[]) => {
    const header = Buffer.concat(changed.slice(0, -1));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    return Buffer.concat([length, header, changed.at(-1) ?? new Uint8Array()]);
  };
  return { name, bytes, inner: { pieces, pack } };
}

/** The names and shapes of a PyTorch model. */
const STATE_DICT = (() => {
  const header = Buffer.from(
    JSON.stringify({
      "fc1.weight": { dtype: "F32", shape: [3, 4], data_offsets: [0, 48] },
      "fc1.bias": { dtype: "BF16", shape: [3], data_offsets: [48, 54] },
      "fc2.weight": { dtype: "F32", shape: [2, 3], data_offsets: [54, 78] },
    }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, new Uint8Array(78)]);
})();

const safetensors: Target = {
  name: "safetensors",
  seeds: [
    safetensorsSeed("as we write", encodeSafetensors(NETWORK)),
    safetensorsSeed("standardized, float64", encodeSafetensors(STANDARDIZED, "float64")),
    safetensorsSeed("PyTorch's names", STATE_DICT),
    ...malformed(".safetensors"),
  ],
  words: [
    ...JSON_WORDS,
    '"F16"',
    '"I64"',
    '"data_offsets":[0,0],',
    '"__metadata__":{},',
    "18446744073709551615",
    '"shape":[4294967296,4294967296],',
  ],
  codes: new RegExp(`^ERR_(SAFETENSORS_HEADER|${OF_NETWORKS})$`),
  onDisk: false,
  async read(bytes, path) {
    const { arrays, metadata } = decodeSafetensors(path, bytes);
    readPreprocessing(path, metadata);
    return unlessWhole(buildLayers(path, arrays, activationOf(path, "activation", metadata) ?? "sigmoid"));
  },
};

const GRAPH_FIELD = 7;

/** The graph's fields and the model's other ones, with the graph's length as it then is. */
function onnxSeed(name: string, bytes: Uint8Array): Seed {
  const ofModel = protobufFields(bytes);
  const rest = Buffer.concat(
    ofModel.filter(({ number }) => number !== GRAPH_FIELD).map(({ whole }) => whole),
  );
  const graph = ofModel.find(({ number }) => number === GRAPH_FIELD)?.content ?? new Uint8Array();
  const pieces = [rest, ...protobufFields(graph).map(({ whole }) => whole)];
  const pack = ([first, ...others]: readonly Uint8Array[]) =>
    Buffer.concat([first ?? new Uint8Array(), fields([GRAPH_FIELD, Buffer.concat(others)])]);
  return { name, bytes, inner: { pieces, pack } };
}

interface ProtobufField {
  readonly number: number;
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
}

/** Returns the fields of a valid file of ours: varints and fields with a length. */
function protobufFields(bytes: Uint8Array): ProtobufField[] {
  const found: ProtobufField[] = [];
  let at = 0;
  const varint = () => {
    let [value, shift] = [0, 1];
    for (; bytes[at]! >= 0x80; at++, shift *= 128) value += (bytes[at]! & 0x7f) * shift;
    return value + bytes[at++]! * shift;
  };
  while (at < bytes.length) {
    const begin = at;
    const tag = varint();
    const length = varint();
    const contentAt = at;
    if ((tag & 7) === 2) at += length;
    found.push({
      number: tag >>> 3,
      whole: bytes.subarray(begin, at),
      content: bytes.subarray(contentAt, at),
    });
  }
  return found;
}

/** A convolution with zeros around it, a pool, and units. */
function convolutional(): Uint8Array {
  const builder = new ChainBuilder("seed", { rows: 4, columns: 4, channels: 1 }, "channels-last");
  const padding = { top: 1, left: 0, bottom: 0, right: 1 };
  const some = (length: number) => Float64Array.from({ length }, (_, n) => (n % 5) - 2);
  builder.conv2d("conv", { weights: some(8), channels: 2, kernel: [2, 2], padding });
  builder.activation("relu", "relu6");
  builder.pool2d("pool", "average", { kernel: [2, 2] });
  builder.activation("gelu", "gelu");
  builder.flatten("flatten");
  builder.dense("dense", { weights: some(24), outputs: 3 });
  builder.end("softmax", "softmax");
  return encodeOnnx({ layers: builder.finish().layers, preprocessing: { kind: "scale" } });
}

const onnx: Target = {
  name: "onnx",
  seeds: [
    onnxSeed("as we write", encodeOnnx(NETWORK)),
    onnxSeed("standardized, float64", encodeOnnx(STANDARDIZED, "float64")),
    onnxSeed("convolutional", convolutional()),
    ...malformed(".onnx"),
  ],
  words: [
    "Gemm",
    "Conv",
    "MaxPool",
    "Transpose",
    "Shape",
    "Slice",
    "Pad",
    "SAME_UPPER",
    "strides",
    "Mul",
    "Softmax",
    "Reshape",
    "\x08\x08",
    "\x0b\x0b\x0b",
    "\x3a\x80\x80\x80\x80\x08",
    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    "\x0a\x00",
    "\x70\x01",
    "\x6a\x00",
  ],
  codes: new RegExp(`^ERR_(ONNX_\\w+|${OF_NETWORKS})$`),
  onDisk: false,
  async read(bytes, path) {
    return unlessWhole(decodeOnnx(path, bytes).layers);
  },
};

export const NETWORK_TARGETS: readonly Target[] = [npy, npz, pickle, safetensors, onnx, ...KERAS_TARGETS];
