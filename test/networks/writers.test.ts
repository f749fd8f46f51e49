/** Networks through every format and back: the same predictions, and any network as it was. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import type { Activation, DenseLayer, Layer, Network } from "#src/base/contracts/network.js";
import { atLeast } from "#src/base/errors.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { denseLayers } from "#src/networks/chain.js";
import { decodeNpy, decodeNpz, encodeNpy, encodeNpz } from "#src/networks/numpy.js";
import { decodeOnnx } from "#src/networks/onnx/decode.js";
import { encodeOnnx } from "#src/networks/onnx/encode.js";
import { loadNetwork } from "#src/networks/registry.js";
import { decodeSafetensors } from "#src/networks/safetensors.js";
import { buildLayers } from "#src/networks/validate.js";
import { encodeSafetensors } from "#src/networks/write-safetensors.js";
import { encodeNetwork, NETWORK_ENDINGS } from "#src/networks/writers.js";
import { inCase } from "../helpers/in-case.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";
import { mnist, needs } from "../helpers/require.js";
import { temporaryFolder } from "../helpers/temporary.js";

/** Every road that a network can take through a file. */
const ROADS = NETWORK_ENDINGS.flatMap((ending) =>
  (["float32", "float64"] as const).flatMap((type) =>
    (ending === ".npz" ? [false, true] : [false]).map((deflated) => ({ ending, type, deflated })),
  ),
);

const NETWORKS: readonly (readonly [
  sizes: readonly number[],
  activation: Activation,
  preprocessing: Network["preprocessing"],
])[] = [
  [[64, 10], "sigmoid", { kind: "scale" }],
  [[64, 16, 10], "relu", { kind: "none" }],
  [[64, 20, 20, 10], "sigmoid", { kind: "scale" }],
  [[64, 32, 24, 16, 10], "tanh", { kind: "none" }],
  [[64, 12, 12, 12, 12, 12, 10], "identity", { kind: "scale" }],
];

/** With weights that float32 holds exactly, large enough for deep networks to tell images apart. */
function networkOf([sizes, activation, preprocessing]: (typeof NETWORKS)[number], seed: number): Network {
  const network = randomNetwork(sizes, activation, seed);
  for (const { weights, biases } of network.layers) {
    weights.set(weights.map((value) => Math.fround(8 * value)));
    biases.set(biases.map(Math.fround));
  }
  return { ...network, preprocessing };
}

test("each network predicts the same through every format", async (t) => {
  for (const [index, facts] of NETWORKS.entries()) {
    const [sizes, activation, preprocessing] = facts;
    await inCase(
      t,
      `${sizes.join(" → ")}, ${activation}, ${preprocessing.kind}: predicts the same through every format`,
      async () => {
        const folder = await temporaryFolder(t);
        const network = networkOf(facts, index + 1);
        const dataset = randomDataset(500);
        const { predictions } = await evaluate({ dataset, weights: network, threads: 0 });
        t.true(new Set(predictions).size > 1);
        for (const { ending, type, deflated } of ROADS) {
          const path = join(folder, `network${ending}`);
          const { bytes, largestChange } = encodeNetwork(ending, network, { type, deflated });
          t.is(largestChange, 0);
          await writeFile(path, bytes);
          const options = ending === ".npz" ? { activation, normalize: preprocessing.kind } : {};
          const loaded = await loadNetwork(path, options);
          t.deepEqual(
            loaded.layers.map((layer) => ({ ...layer })),
            network.layers.map((layer) => ({ ...layer })),
          );
          const again = await evaluate({ dataset, weights: loaded, threads: 0 });
          t.deepEqual(again.predictions, predictions, `${ending} ${type}`);
          t.is(again.run.normalize, preprocessing.kind);
        }
      },
    );
  }
});

test("keeps each layer's own activation in ONNX", async (t) => {
  const network = randomNetwork([4, 3, 3, 3, 2]);
  const activations = ["tanh", "identity", "relu", "identity"] as const;
  const layers = network.layers.map((layer, index) => ({ ...layer, activation: activations[index]! }));
  const path = join(await temporaryFolder(t), "mixed.onnx");
  await writeFile(path, encodeNetwork(".onnx", { ...network, layers }).bytes);
  t.deepEqual(
    (await loadNetwork(path)).layers.map(({ activation }) => activation),
    [...activations],
  );
  const error = await t.throwsAsync(loadNetwork(path, { activation: "tanh" }));
  t.regex(
    error.message,
    /--activation: expected tanh, identity, relu, which .*mixed\.onnx names, found "tanh"/,
  );
});

const withMnist = needs("mnist", mnist !== undefined);

withMnist("the book's network through every format: 9352 of 10000", async (t) => {
  for (const { ending, type, deflated } of ROADS) {
    await inCase(
      t,
      `the book's network as ${ending}, ${type}${deflated ? ", deflated" : ""}: 9352 of 10000`,
      async () => {
        const folder = mnist ?? "";
        const book = await loadNetwork(join(folder, "sample_weight.pkl"));
        const path = join(await temporaryFolder(t), `book${ending}`);
        await writeFile(path, encodeNetwork(ending, book, { type, deflated }).bytes);
        const { result } = await evaluate({ dataset: folder, weights: path, engine: "simd", threads: 0 });
        t.is(result.correct, 9352);
        t.is(result.total, 10_000);
      },
    );
  }
});

// Whatever a network is, what we write of it reads back as it was: every format, every shape that chains.

const RUNS = { numRuns: 150, seed: 7 };

const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const numbers = (length: number) =>
  fc.array(number, { minLength: length, maxLength: length }).map((values) => Float64Array.from(values));

function layer(inputs: number, outputs: number, activation: Activation): fc.Arbitrary<DenseLayer> {
  return fc.record({
    kind: fc.constant("dense" as const),
    inputs: fc.constant(inputs),
    outputs: fc.constant(outputs),
    weights: numbers(inputs * outputs),
    biases: numbers(outputs),
    activation: fc.constant(activation),
  });
}

/** One to four layers of one to five each; identity where there is nothing hidden. */
const network: fc.Arbitrary<Pick<Network, "layers" | "preprocessing">> = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 5 }),
    fc.constantFrom<Activation>("sigmoid", "relu", "tanh"),
  )
  .chain(([sizes, hidden]) =>
    fc.tuple(
      ...sizes
        .slice(1)
        .map((outputs, n) => layer(sizes[n]!, outputs, n === sizes.length - 2 ? "identity" : hidden)),
    ),
  )
  .map((layers) => ({ layers, preprocessing: { kind: "scale" } }));

/** −0 is not 0 here, and shared memory is memory. */
function plain(layers: readonly Layer[]): unknown {
  return denseLayers({ name: "written", layers }, "test them").map(({ weights, biases, ...rest }) => ({
    ...rest,
    weights: [...weights],
    biases: [...biases],
  }));
}

test("a network written as .npz, stored or deflated, reads back as it was", async (t) => {
  await fc.assert(
    fc.asyncProperty(network, fc.boolean(), async (given, deflated) => {
      const [{ activation }] = atLeast(given.layers, 1);
      const arrays = await decodeNpz("p", encodeNpz(given, "float64", { deflated }));
      t.deepEqual(plain(buildLayers("p", arrays, activation)), plain(given.layers));
    }),
    RUNS,
  );
});

test("a network written as safetensors reads back as it was", (t) => {
  fc.assert(
    fc.property(network, (given) => {
      const { arrays } = decodeSafetensors("p", encodeSafetensors(given, "float64"));
      t.deepEqual(plain(buildLayers("p", arrays, given.layers[0]!.activation)), plain(given.layers));
    }),
    RUNS,
  );
});

test("a network written as ONNX reads back as it was", (t) => {
  fc.assert(
    fc.property(network, (given) => {
      t.deepEqual(plain(decodeOnnx("p", encodeOnnx(given, "float64")).layers), plain(given.layers));
    }),
    RUNS,
  );
});

test("an array of any rank written as .npy reads back as it was", (t) => {
  const shapes = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 });
  const array = shapes.chain((shape) =>
    numbers(shape.reduce((all, size) => all * size, 1)).map((data) => ({ shape, data })),
  );
  fc.assert(
    fc.property(array, (given) => {
      t.deepEqual(decodeNpy("p", "a", encodeNpy("a", given, "float64")), given);
    }),
    RUNS,
  );
});
