/** Readers of networks in pickles: files of PyTorch, and classifiers of scikit-learn. */
import { readdirSync, readFileSync } from "node:fs";
import { deflateSync, gunzipSync, inflateSync } from "node:zlib";
import { unzipSync } from "fflate";
import type { Layer } from "#src/base/contracts/network.js";
import { FIXTURES } from "#src/base/package.js";
import { decodeSklearn } from "#src/networks/sklearn/decode.js";
import { decodeTorch } from "#src/networks/torch/decode.js";
import { buildLayers } from "#src/networks/validate.js";
import type { Seed, Target } from "../target.js";
import { malformed } from "./malformed.js";
import { archive } from "./npz.js";

const FOLDER = new URL("torch/", FIXTURES);

function seeds(): Seed[] {
  const names = readdirSync(FOLDER).filter((name) => /\.pth?$/.test(name));
  return names.flatMap((name) => {
    const bytes = readFileSync(new URL(name, FOLDER));
    const whole = { name, bytes };
    return bytes[0] === 0x50 ? [whole, archive(`${name}, packed again`, unzipSync(bytes))] : [whole];
  });
}

/** What is wrong with a chain of layers, or undefined. */
function wrongIn(layers: readonly Layer[]): string | undefined {
  const isChained = layers.every(({ inputs }, n) => n === 0 || layers[n - 1]!.outputs === inputs);
  const areFinite = layers.every(
    (layer) => !("weights" in layer) || [...layer.weights, ...layer.biases].every(Number.isFinite),
  );
  return isChained && areFinite && layers.length > 0 ? undefined : "read a network that is not whole";
}

const torch: Target = {
  name: "torch",
  seeds: [...seeds(), ...malformed(".pt"), ...malformed(".pth")],
  words: [
    ..."()0QRXb}q\x80\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x93\x94",
    "ccollections\nOrderedDict\n",
    "ctorch._utils\n_rebuild_tensor_v2\n",
    "ctorch\nHalfStorage\n",
    "ctorch.nn.modules.linear\nLinear\n",
    "cposix\nsystem\n",
    "X\x07\0\0\0storage",
    "running_mean",
    "stride",
    "K\0",
    "K\xff",
    "M\xff\xff",
    "J\xff\xff\xff\x7f",
    "J\xff\xff\xff\xff",
    "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
    "G\x7f\xf0\0\0\0\0\0\0",
    "N",
  ],
  codes: /^ERR_(ZIP_\w+|PICKLE_\w+|NETWORK_\w+|ARRAY_\w+|WEIGHTS_SIZE)$/,
  onDisk: false,
  async read(bytes, path) {
    const found = await decodeTorch(path, bytes, undefined);
    return wrongIn("layers" in found ? found.layers : buildLayers(path, found.arrays, "relu"));
  },
};

const SKLEARN = new URL("sklearn/", FIXTURES);

/** A compressed pickle is mutated behind its compression too. */
function sklearnSeeds(): Seed[] {
  const names = readdirSync(SKLEARN).filter((name) => /\.(pkl|joblib|gz)$/.test(name));
  return names.map((name) => {
    const bytes = readFileSync(new URL(name, SKLEARN));
    const pickle = name.endsWith(".gz")
      ? gunzipSync(bytes)
      : name.endsWith(".z.joblib")
        ? inflateSync(bytes)
        : undefined;
    if (pickle === undefined) return { name, bytes };
    return { name, bytes, inner: { pieces: [pickle], pack: (pieces) => deflateSync(Buffer.concat(pieces)) } };
  });
}

const sklearn: Target = {
  name: "sklearn",
  seeds: sklearnSeeds(),
  words: [
    ..."()0QRXb}q\x80\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x93\x94",
    "cposix\nsystem\n",
    "cbuiltins\neval\n",
    "cnumpy.core.multiarray\n_reconstruct\n",
    "csklearn.linear_model._logistic\nLogisticRegression\n",
    ...["coef_", "intercepts_", "classes_", "activation", "n_outputs_", "steps", "shape", "allow_mmap"],
    "K\0",
    "M\xff\xff",
    "J\xff\xff\xff\x7f",
    "J\xff\xff\xff\xff",
    "G\x7f\xf0\0\0\0\0\0\0",
    "N",
  ],
  codes: /^ERR_(PICKLE_\w+|NETWORK_\w+|ARRAY_\w+|WEIGHTS_SIZE)$/,
  onDisk: false,
  read: async (bytes, path) => wrongIn((await decodeSklearn(path, bytes)).layers),
};

export const PICKLE_TARGETS: readonly Target[] = [torch, sklearn];
