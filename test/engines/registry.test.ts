/** Every engine against plain ml-matrix, a loop of our own and NumPy; `predict`, and what simd recomputes. */

import { execFileSync } from "node:child_process";
import test from "ava";
import { Matrix } from "ml-matrix";
import type { DenseLayer, Preprocessing } from "#src/base/contracts/network.js";
import { atLeast } from "#src/base/errors.js";
import { activateOf, sigmoid } from "#src/engines/activations.js";
import { createRowForward } from "#src/engines/float64.js";
import { predictClass, softmax } from "#src/engines/logits.js";
import { predict } from "#src/engines/predict.js";
import { forwardRow } from "#src/engines/reference.js";
import { createEngine } from "#src/engines/registry.js";
import { KERNEL_ACTIVATIONS } from "#src/engines/simd/quantise.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { EXACT_ENGINES } from "../helpers/engines.js";
import { inCase } from "../helpers/in-case.js";
import { explicitLogits, explicitly, largestDifference } from "../helpers/preprocess.js";
import { pythonWith } from "../helpers/python.js";
import { randomNetwork, seeded } from "../helpers/random.js";
import { needs } from "../helpers/require.js";

/** pixels (count × I) → logits (count × O) by the library alone. */
function plainMlMatrix(layers: readonly DenseLayer[], pixels: Uint8Array, count: number): number[] {
  let values = Matrix.from1DArray(count, layers[0]!.inputs, [...pixels]);
  for (const { inputs, outputs, weights, biases, activation } of layers) {
    values = values.mmul(Matrix.from1DArray(inputs, outputs, [...weights])).addRowVector([...biases]);
    values = new Matrix(values.to2DArray().map((row) => row.map((x) => activateOf({ activation })(x, 0))));
  }
  return values.to1DArray();
}

function randomPixels(length: number, zeroShare: number, seed: number): Uint8Array {
  const random = seeded(seed);
  return Uint8Array.from({ length }, () => (random() < zeroShare ? 0 : Math.floor(random() * 256)));
}

const SHAPES = [
  [784, 50, 100, 10],
  [64, 10],
  [9, 3, 2],
  [30, 21, 11, 10, 13],
  [1, 1],
];

test("each exact engine gives ml-matrix's bits, for every shape and activation", async (t) => {
  for (const name of EXACT_ENGINES) {
    for (const sizes of SHAPES) {
      const [inputs] = atLeast(sizes, 1);
      await inCase(t, `${name} gives ml-matrix's bits for ${sizes.join("-")}`, async () => {
        for (const [n, activation] of KERNEL_ACTIVATIONS.entries()) {
          const layers = foldPreprocessing(randomNetwork(sizes, activation, n + 1));
          const engine = await createEngine(name, layers);
          const outputs = sizes[sizes.length - 1]!;
          // 150 is two whole tiles and a short one; then fewer; then 150 again in the same buffers.
          for (const [count, zeroShare] of [
            [150, 0.8],
            [1, 0.8],
            [7, 0],
            [64, 1],
            [150, 0.5],
          ] as const) {
            const pixels = randomPixels(count * inputs, zeroShare, count);
            const logits = new Float64Array(count * outputs);
            await engine.forward(pixels, count, logits);
            t.deepEqual([...logits], plainMlMatrix(layers, pixels, count));
          }
        }
      });
    }
  }
});

test("folds ÷ 255 into the first layer only, and nothing for none", (t) => {
  const network = randomNetwork([4, 3, 2]);
  const folded = foldPreprocessing(network);
  const [[first, second], [given, next]] = [atLeast(folded, 2), atLeast(network.layers, 2)];
  t.deepEqual(
    [...first.weights],
    [...given.weights].map((w) => w / 255),
  );
  t.is(second, next);
  t.true(first.weights.buffer instanceof SharedArrayBuffer);
  t.is(foldPreprocessing({ ...network, preprocessing: { kind: "none" } }), network.layers);
});

test("sigmoid stays finite at both ends and is a half at zero", (t) => {
  t.is(sigmoid(0), 0.5);
  t.is(sigmoid(-1000), 0);
  t.is(sigmoid(1000), 1);
});

// `predict` in memory: bytes and pixels ÷ 255 are two ways to say the same image.

const network = randomNetwork([16, 8, 4]);
const random = seeded(6);
const bytes = Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256));
const fractions = Float64Array.from(bytes, (byte) => byte / 255);

const RECIPES: readonly Preprocessing[] = [
  { kind: "scale" },
  { kind: "standardize", mean: 0.4, std: 0.3 },
  { kind: "whiten-zca", epsilon: 0.1, folded: true },
  { kind: "whiten-pca", epsilon: 0.1, folded: true },
];

test("takes bytes and pixels ÷ 255 alike under every preprocessing", async (t) => {
  for (const preprocessing of RECIPES) {
    await inCase(t, `takes bytes and pixels ÷ 255 alike under ${preprocessing.kind}`, () => {
      const asked = { ...network, preprocessing };
      const expected = softmax(explicitLogits(network.layers, bytes, explicitly(preprocessing)));
      t.true(largestDifference(predict(asked, bytes).data, expected) < 1e-9);
      t.true(largestDifference(predict(asked, fractions).data, expected) < 1e-9);
    });
  }
});

test("takes every value as it is where nothing is to be done", (t) => {
  const asked = { ...network, preprocessing: { kind: "none" } as const };
  t.deepEqual(predict(asked, Float64Array.from(bytes)), predict(asked, bytes));
  t.notDeepEqual(predict(asked, fractions), predict(asked, bytes));
});

// What simd computes again is what the reference would have answered, to the bit.

test("recomputes each image, sparse, dense or blank, to the reference's bits", async (t) => {
  for (const sizes of [
    [784, 50, 100, 10],
    [64, 10],
    [9, 30, 2],
    [30, 21, 11, 10, 13],
    [1, 1],
  ]) {
    await inCase(t, `an image of ${sizes.join("-")}, sparse, dense or blank, again and again`, () => {
      for (const [n, activation] of KERNEL_ACTIVATIONS.entries()) {
        const layers = foldPreprocessing(randomNetwork(sizes, activation, n + 1));
        const [inputs] = atLeast(sizes, 1);
        const again = createRowForward(layers);
        const random = seeded(n);
        for (const zeroShare of [0.8, 0, 1, 0.5, 0.8]) {
          const pixels = Uint8Array.from({ length: inputs }, () =>
            random() < zeroShare ? 0 : Math.floor(random() * 256),
          );
          t.deepEqual(Array.from(again(pixels)), Array.from(forwardRow(layers, pixels)));
        }
      }
    });
  }
});

// Predictions against NumPy's, in float64 and in an order of sums that is NumPy's own.

const interpreter = pythonWith("numpy");

/**
 * Logits with products by BLAS, and a bound of what the order of float64 sums can change in them: γ(n + 2) Σ|x||w| a layer
 * (Higham, Accuracy and Stability of Numerical Algorithms, 3.1), carried through activations of slope 1 at most.
 */
const SCRIPT = `
import json, sys
import numpy as np
np.seterr(all="ignore")
f = {"sigmoid": lambda v: 1 / (1 + np.exp(-v)), "relu": lambda v: np.maximum(v, 0), "tanh": np.tanh, "identity": lambda v: v}
answers = []
for case in json.load(sys.stdin):
    x = np.array(case["pixels"], float).reshape(case["images"], -1)
    error = np.zeros_like(x)
    for layer in case["layers"]:
        w = np.array(layer["weights"], float).reshape(layer["inputs"], layer["outputs"])
        b = np.array(layer["biases"], float)
        error = error @ np.abs(w) + (layer["inputs"] + 8) * 2.0**-52 * ((np.abs(x) + error) @ np.abs(w) + np.abs(b))
        x = f[layer["activation"]](x @ w + b)
        if layer["activation"] in ("sigmoid", "tanh"):
            error = error + 2.0**-50
    order = np.sort(x, axis=1)
    apart = order[:, -1] - order[:, -2] > 2 * error.max(axis=1)
    answers.append({"classes": x.argmax(axis=1).tolist(), "apart": apart.tolist()})
json.dump(answers, sys.stdout)
`;

needs("numpy", interpreter !== undefined)(
  "every engine predicts as NumPy wherever the two largest logits differ by more than float64's bound",
  async (t) => {
    const random = seeded(23);
    const images = 40;
    const cases = Array.from({ length: 240 }, (_, n) => {
      const hidden = Array.from({ length: n % 4 }, () => 1 + Math.floor(random() * 20));
      const inputs = 1 + Math.floor(random() * 60);
      const sizes = [inputs, ...hidden, 2 + Math.floor(random() * 8)];
      const scale = 10 ** (n % 3 === 0 ? 0 : random() * 60 - 30);
      const layers = foldPreprocessing(
        randomNetwork(sizes, KERNEL_ACTIVATIONS[n % KERNEL_ACTIVATIONS.length], n + 1),
      ).map((layer) => ({ ...layer, weights: layer.weights.map((weight) => weight * scale) }));
      const pixels = Uint8Array.from({ length: images * inputs }, () =>
        random() < 0.5 ? 0 : Math.floor(random() * 256),
      );
      return { layers, pixels };
    });
    const asked = cases.map(({ layers, pixels }) => ({
      images,
      pixels: [...pixels],
      layers: layers.map((layer) => ({
        ...layer,
        weights: [...layer.weights],
        biases: [...layer.biases],
      })),
    }));
    const answers: readonly { readonly classes: readonly number[]; readonly apart: readonly boolean[] }[] =
      JSON.parse(
        execFileSync(interpreter ?? "python3", ["-c", SCRIPT], {
          input: JSON.stringify(asked),
          encoding: "utf8",
          maxBuffer: 2 ** 26,
        }),
      );
    let compared = 0;
    for (const [n, { layers, pixels }] of cases.entries()) {
      const { classes, apart } = answers[n]!;
      const { outputs } = layers[layers.length - 1]!;
      for (const name of ["reference", "ml-matrix", "simd"] as const) {
        const engine = await createEngine(name, layers);
        const found = new Uint16Array(images);
        if (engine.predict !== undefined) engine.predict(pixels, images, found);
        else {
          const logits = new Float64Array(images * outputs);
          await engine.forward(pixels, images, logits);
          for (let image = 0; image < images; image++) {
            found[image] = predictClass(logits, image, image * outputs, outputs);
          }
        }
        for (let image = 0; image < images; image++) {
          if (!apart[image]) continue;
          t.is(found[image], classes[image], `${name}, network ${n}, image ${image}`);
          compared++;
        }
      }
    }
    t.true(compared > (3 * images * cases.length) / 2, `${compared} compared`);
  },
);
