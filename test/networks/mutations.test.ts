/** Damaged at random, a file of weights is refused with a code, quickly, or read as a network that is whole. */
import { readFileSync } from "node:fs";
import test from "ava";
import type { Layer } from "../../src/contracts/network.js";
import { BatchwiseError } from "../../src/errors.js";
import { weightsFormat } from "../../src/networks/format.js";
import { decodePickle } from "../../src/networks/pickle/decode.js";
import { encodeSafetensors } from "../../src/networks/safetensors.js";
import { decodeSafetensors } from "../../src/networks/safetensors-reader.js";
import { buildLayers } from "../../src/networks/validate.js";
import { FIXTURES } from "../../src/package-root.js";
import { refusesOrReturns } from "./coded.js";

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

function load(bytes: Uint8Array): Layer[] {
  const arrays =
    weightsFormat("m", bytes) === "pickle" ? decodePickle("m", bytes) : decodeSafetensors("m", bytes).arrays;
  return buildLayers("m", arrays, "sigmoid");
}

function pickle(name: string): Uint8Array {
  return readFileSync(new URL(`pickles/${name}.pkl`, FIXTURES));
}

const files: Readonly<Record<string, () => Uint8Array>> = {
  "a pickle of protocol 0": () => pickle("python2-protocol0-f4-c"),
  "a pickle of protocol 2": () => pickle("numpy2-protocol2-f4-f"),
  "a pickle of protocol 5": () => pickle("numpy2-protocol5-f4-c"),
  "a safetensors file": () =>
    encodeSafetensors({ layers: load(pickle("numpy1-protocol3-f4-c")), normalize: "scale" }),
};

for (const [what, read] of Object.entries(files)) {
  test(`refuses ${what} damaged in ${MUTATIONS} ways with a code, or reads a whole network`, (t) => {
    const below = random(SEED);
    const whole = read();
    let refused = 0;
    for (let round = 0; round < MUTATIONS; round += 1) {
      const answer = refusesOrReturns(t, () => load(mutate(whole, below)), `mutation ${round}`);
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
