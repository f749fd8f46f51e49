/** Readers of HDF5, and of the networks of Keras in it. */
import { readdirSync, readFileSync } from "node:fs";
import { unzipSync } from "fflate";
import { FIXTURES } from "#src/base/package.js";
import { Hdf5Dataset } from "#src/files/formats/hdf5/dataset.js";
import { type Hdf5Group, openHdf5 } from "#src/files/formats/hdf5/group.js";
import type { DecodedChain } from "#src/networks/chain-facts.js";
import { decodeKeras } from "#src/networks/keras/read.js";
import { decodeTfjs } from "#src/networks/keras/tfjs.js";
import { JSON_TOKENS, JSON_WORDS, type Seed, type Target } from "../target.js";
import { malformed } from "./malformed.js";
import { archive } from "./npz.js";

const FOLDER = new URL("keras/", FIXTURES);

function files(...endings: readonly string[]): Seed[] {
  return readdirSync(FOLDER)
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .map((name) => ({ name, bytes: readFileSync(new URL(name, FOLDER)) }));
}

const ATTRIBUTES = ["model_config", "layer_names", "weight_names", "name", "long", "list", "fixed", "none"];
/** Most objects that a walk visits: links may lead back. */
const MAX_OBJECTS = 200;

/** Reads everything that links lead to. Answers with what is wrong with an array, or undefined. */
function wrongIn(root: Hdf5Group): string | undefined {
  const open = [root];
  let objects = 0;
  for (let group = open.pop(); group !== undefined && objects < MAX_OBJECTS; group = open.pop()) {
    for (const name of ATTRIBUTES) group.texts(name);
    for (const name of group.names().slice(0, MAX_OBJECTS)) {
      objects += 1;
      const member = group.get(name);
      if (member instanceof Hdf5Dataset) {
        const { shape, data } = member.array();
        if (data.length !== shape.reduce((product, size) => product * size, 1)) {
          return `read ${data.length} elements for ${shape}`;
        }
      } else if (member !== undefined) {
        open.push(member);
      }
    }
  }
  return undefined;
}

const hdf5: Target = {
  name: "hdf5",
  seeds: [...files(".h5", ".hdf5"), ...malformed(".h5")],
  words: [
    ...["TREE", "SNOD", "HEAP", "GCOL", "OHDR", "OCHK", "\x89HDF"],
    "\xff".repeat(8),
    "\0".repeat(8),
    "\x10\0\x10\0\0\0\0\0",
    "\x08\0\x18\0\0\0\0\0\x03\x02\x03",
    "\x0b\0\x10\0\0\0\0\0\x01\x01",
    "\xff\xff\xff\xff\xff\xff\x1f\0",
  ],
  codes: /^ERR_(HDF5_\w+|ARRAY_DTYPE|WEIGHTS_SIZE)$/,
  onDisk: false,
  async read(bytes, path) {
    return wrongIn(openHdf5(path, bytes));
  },
};

/** A .keras file; damage may reach the text of its architecture, or its weights, with checksums that are right. */
function zipped(name: string): Seed {
  return archive(name, unzipSync(readFileSync(new URL(name, FOLDER))));
}

/** The architecture of an HDF5 file in tokens: a text of the same length takes its place. */
function described(name: string): Seed {
  const bytes = readFileSync(new URL(name, FOLDER));
  const begin = bytes.indexOf('{"class_name"');
  const end = bytes.indexOf(0, begin);
  const tokens = bytes.toString("latin1", begin, end).match(JSON_TOKENS) ?? [];
  const pack = (pieces: readonly Uint8Array[]) => {
    const text = Buffer.alloc(end - begin, " ");
    Buffer.concat(pieces).copy(text);
    return Buffer.concat([bytes.subarray(0, begin), text, bytes.subarray(end)]);
  };
  return { name, bytes, inner: { pieces: tokens.map((token) => Buffer.from(token)), pack } };
}

const KERAS_WORDS = [
  ...["Conv2D", "Dense", "Lambda", "Reshape", "PReLU", "DepthwiseConv2D", "Normalization", "InputLayer"],
  ...['"strides": [3, 1], ', '"padding": "same", ', '"axis": 1, ', '"target_shape": [-1, 2], '],
  ...['"batch_shape": [null, 16777216, 2], ', '"use_bias": false, ', '"units": 0, ', '"activation": {}, '],
];

const keras: Target = {
  name: "keras",
  seeds: [
    zipped("keras-3.keras"),
    zipped("tensorflow-2.13.keras"),
    ...["keras-2.2.h5", "keras-2.10.h5", "keras-3.h5", "latest.h5"].map(described),
    ...files(".weights.h5"),
    ...malformed(".keras"),
  ],
  words: [...KERAS_WORDS, ...JSON_WORDS],
  codes:
    /^ERR_(HDF5_\w+|ZIP_\w+|ARRAY_DTYPE|WEIGHTS_SIZE|NETWORK_(FORMAT|LAYER|CHAIN|NOT_FINITE|OUTPUTS|ARCHITECTURE|KEYS|ORDER))$/,
  onDisk: false,
  async read(bytes, path) {
    const decoded = await decodeKeras(path, bytes);
    if ("arrays" in decoded) return decoded.arrays.has("W1") ? undefined : "read weights without a layer";
    return wrongChain(decoded);
  },
};

function wrongChain({ layers }: Pick<DecodedChain, "layers">): string | undefined {
  const sizes = layers.map(({ inputs, outputs }) => [inputs, outputs]);
  const isChain = sizes.every(([inputs], n) => n === 0 || sizes[n - 1]?.[1] === inputs);
  return isChain && sizes.length > 0 ? undefined : `read layers of ${sizes.join(" and ")} numbers`;
}

/** A model.json, a zero byte, then its files of weights one after the other; each is read up to its limit. */
function tfjsSeed(name: string): Seed {
  const folder = new URL(`tfjs/${name}/`, FIXTURES);
  const text = readFileSync(new URL("model.json", folder), "utf8").trim();
  const shards = readdirSync(folder).filter((file) => file.endsWith(".bin"));
  const weights = Buffer.concat(shards.map((file) => readFileSync(new URL(file, folder))));
  const tokens = (text.match(JSON_TOKENS) ?? []).map((token) => Buffer.from(token));
  const pack = (pieces: readonly Uint8Array[]) => Buffer.concat([...pieces, Buffer.of(0), weights]);
  return { name, bytes: pack(tokens), inner: { pieces: tokens, pack } };
}

const tfjs: Target = {
  name: "tfjs",
  seeds: ["cnn", "quantized", "functional"].map(tfjsSeed),
  words: [
    ...KERAS_WORDS,
    ...JSON_WORDS,
    ...['"quantization":{"dtype":"uint8","min":0,"scale":1},', '"dtype":"string",', '"shape":[65536,65536],'],
    ...['"paths":["../model.json"],', '"paths":["/etc/passwd"],', '"group":"optimizer",', '"node":[],'],
  ],
  codes: /^ERR_(WEIGHTS_SIZE|NETWORK_(FORMAT|LAYER|CHAIN|NOT_FINITE|OUTPUTS))$/,
  onDisk: false,
  async read(bytes, path) {
    const end = bytes.indexOf(0);
    const json = end < 0 ? bytes : bytes.subarray(0, end);
    let at = json.length + 1;
    const beside = async (_: string, limitBytes: number) => {
      const part = bytes.subarray(at, at + Math.min(limitBytes, SHARD_BYTES));
      at += part.length;
      return part;
    };
    return wrongChain(await decodeTfjs(path, json, beside));
  },
};
const SHARD_BYTES = 6_044;

export const KERAS_TARGETS: readonly Target[] = [hdf5, keras, tfjs];
