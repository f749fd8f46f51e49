/** Networks through every format and back: the same predictions, on random images and on all of MNIST. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Activation, Network } from "#src/base/contracts/network.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { loadNetwork } from "#src/networks/registry.js";
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
  const layers = network.layers.map((layer, index) => ({ ...layer, activation: activations[index] }));
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
