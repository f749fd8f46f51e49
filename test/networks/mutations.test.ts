/** Damaged at random, a file of weights is refused with a code, quickly, or read as a network that is whole. */
import { readFileSync } from "node:fs";
import test from "ava";
import type { Layer } from "../../src/contracts/network.js";
import { BatchwiseError } from "../../src/errors.js";
import { weightsFormat } from "../../src/networks/format.js";
import { decodeNpy, encodeNpy } from "../../src/networks/npy.js";
import { decodeNpz, encodeNpz } from "../../src/networks/npz.js";
import { decodeOnnx } from "../../src/networks/onnx/decode.js";
import { encodeOnnx } from "../../src/networks/onnx/encode.js";
import { decodePickle } from "../../src/networks/pickle/decode.js";
import { encodeSafetensors } from "../../src/networks/safetensors.js";
import { decodeSafetensors } from "../../src/networks/safetensors-reader.js";
import { buildLayers } from "../../src/networks/validate.js";
import { FIXTURES } from "../../src/package-root.js";
import { randomNetwork } from "../helpers/random.js";
import { raw, refusesOrReturns, u64 } from "./coded.js";

const MUTATIONS = 2_000;
const SEED = 20_240_701;

/** Marsaglia's xorshift32: the same mutations in every run, so that a failure can be seen again. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** One to four bytes changed, a piece cut off, left out, or doubled. */
function mutate(whole: Uint8Array, below: (limit: number) => number): Uint8Array {
  const at = below(whole.length);
  const end = at + below(Math.min(32, whole.length - at + 1));
  switch (below(6)) {
    case 0:
      return whole.subarray(0, at);
    case 1:
      return Buffer.concat([whole.subarray(0, at), whole.subarray(end)]);
    case 2:
      return Buffer.concat([whole.subarray(0, end), whole.subarray(at)]);
    default: {
      const changed = Uint8Array.from(whole);
      for (let count = 1 + below(4); count > 0; count -= 1) changed[below(whole.length)] = below(256);
      return changed;
    }
  }
}

async function load(bytes: Uint8Array): Promise<Layer[]> {
  switch (await weightsFormat("m", bytes)) {
    case "pickle":
      return buildLayers("m", decodePickle("m", bytes), "sigmoid");
    case "safetensors":
      return buildLayers("m", decodeSafetensors("m", bytes).arrays, "sigmoid");
    case "npz":
      return buildLayers("m", await decodeNpz("m", bytes), "sigmoid");
    case "onnx": {
      const { arrays, activations } = decodeOnnx("m", bytes);
      return buildLayers("m", arrays, activations);
    }
  }
}

function pickle(name: string): Uint8Array {
  return readFileSync(new URL(`pickles/${name}.pkl`, FIXTURES));
}

/** Small, so that most of a file is structure. */
const network = randomNetwork([4, 3, 2], "relu", 5);
/** The names and shapes of a PyTorch model. */
const stateDict = () => {
  const header = Buffer.from(
    JSON.stringify({
      "fc1.weight": { dtype: "F32", shape: [3, 4], data_offsets: [0, 48] },
      "fc1.bias": { dtype: "F32", shape: [3], data_offsets: [48, 60] },
      "fc2.weight": { dtype: "F32", shape: [2, 3], data_offsets: [60, 84] },
    }),
  );
  return raw(u64(header.length), header, new Uint8Array(84));
};

const files: Readonly<Record<string, () => Uint8Array>> = {
  "a pickle of protocol 0": () => pickle("python2-protocol0-f4-c"),
  "a pickle of protocol 2": () => pickle("numpy2-protocol2-f4-f"),
  "a pickle of protocol 5": () => pickle("numpy2-protocol5-f4-c"),
  "a safetensors file": () => encodeSafetensors(network),
  "a safetensors file with PyTorch's names": stateDict,
  "a stored .npz file": () => encodeNpz(network, "float32"),
  "a deflated .npz file": () => encodeNpz(network, "float32", { deflated: true }),
  "an ONNX model": () => encodeOnnx(network),
};

for (const [what, read] of Object.entries(files)) {
  test(`refuses ${what} damaged in ${MUTATIONS} ways with a code, or reads a whole network`, async (t) => {
    const below = random(SEED);
    const whole = read();
    let refused = 0;
    for (let round = 0; round < MUTATIONS; round += 1) {
      const damaged = mutate(whole, below);
      const answer = await refusesOrReturns(t, () => load(damaged), `mutation ${round}`);
      if (answer instanceof BatchwiseError) {
        refused += 1;
        continue;
      }
      for (const { inputs, outputs, weights, biases } of answer) {
        if (
          weights.length !== inputs * outputs ||
          biases.length !== outputs ||
          !weights.every(Number.isFinite)
        ) {
          t.fail(`mutation ${round}: read as a network that is not whole`);
        }
      }
    }
    // Bytes of weights can change unseen, so not all are refused; but most of these small files is structure.
    t.true(refused > MUTATIONS / 2 && refused < MUTATIONS, `${refused} refused`);
  });
}

test(`refuses a .npy file damaged in ${MUTATIONS} ways with a code, or reads a whole array`, async (t) => {
  const below = random(SEED);
  const whole = encodeNpy("W1", { shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) }, "float64");
  let refused = 0;
  for (let round = 0; round < MUTATIONS; round += 1) {
    const damaged = mutate(whole, below);
    const answer = await refusesOrReturns(t, () => decodeNpy("m", "W1", damaged), `mutation ${round}`);
    if (answer instanceof BatchwiseError) refused += 1;
    else if (answer.data.length !== answer.shape.reduce((product, size) => product * size, 1)) {
      t.fail(`mutation ${round}: read as an array that is not whole`);
    }
  }
  t.true(refused > MUTATIONS / 2 && refused < MUTATIONS, `${refused} refused`);
});
