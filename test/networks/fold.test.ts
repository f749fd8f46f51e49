/** Folding: every engine on bytes gives what the unfolded network gives for explicitly preprocessed images. */
import test from "ava";
import type { Preprocessing } from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import { createEngine } from "#src/engines/registry.js";
import { foldAffine, foldPreprocessing } from "#src/networks/fold.js";
import { PixelMoments, whiteningMatrix } from "#src/networks/preprocess.js";
import { EXACT_ENGINES } from "../helpers/engines.js";
import { inCase } from "../helpers/in-case.js";
import { explicitLogits, explicitly, largestDifference, whitened } from "../helpers/preprocess.js";
import { randomNetwork, seeded } from "../helpers/random.js";

const TOLERANCE = 1e-9;
const COUNT = 70;
const { layers } = randomNetwork([64, 20, 10, 5], "sigmoid", 3);
const random = seeded(4);
const pixels = Uint8Array.from({ length: COUNT * 64 }, () =>
  random() < 0.6 ? 0 : Math.floor(random() * 256),
);

async function logitsOf(
  engine: (typeof EXACT_ENGINES)[number],
  folded: typeof layers,
): Promise<Float64Array> {
  const logits = new Float64Array(COUNT * 5);
  await (await createEngine(engine, folded)).forward(pixels, COUNT, logits);
  return logits;
}

const RECIPES: readonly Preprocessing[] = [
  { kind: "none" },
  { kind: "scale" },
  { kind: "standardize", mean: 0.1307, std: 0.3081 },
  { kind: "standardize", mean: -2, std: 40 },
];

test("each engine on bytes gives what comes of scaling and standardizing", async (t) => {
  for (const engine of EXACT_ENGINES) {
    for (const preprocessing of RECIPES) {
      await inCase(t, `${engine} on bytes gives what comes of ${JSON.stringify(preprocessing)}`, async () => {
        const found = await logitsOf(engine, foldPreprocessing({ layers, preprocessing }));
        const expected = explicitLogits(layers, pixels, explicitly(preprocessing));
        t.true(largestDifference(found, expected) < TOLERANCE);
      });
    }
  }
});

test("each engine on bytes gives what comes of whitening", async (t) => {
  for (const engine of EXACT_ENGINES) {
    for (const kind of ["whiten-zca", "whiten-pca"] as const) {
      await inCase(t, `${engine} on bytes gives what comes of ${kind}`, async () => {
        const moments = new PixelMoments(64);
        moments.add(pixels);
        const whitening = whiteningMatrix(kind, moments, 0.1);
        const folded = foldAffine(layers, whitening);
        const preprocessing = { kind, epsilon: 0.1, folded: true } as const;
        t.is(foldPreprocessing({ layers: folded, preprocessing }), folded);
        const expected = explicitLogits(layers, pixels, whitened(whitening));
        t.true(largestDifference(await logitsOf(engine, folded), expected) < TOLERANCE);
      });
    }
  }
});

test("puts folded weights and biases into shared memory and leaves the network as it was", (t) => {
  const network = randomNetwork([4, 3, 2]);
  const before = structuredClone(network.layers.map(({ weights, biases }) => [[...weights], [...biases]]));
  const standardized = foldPreprocessing({
    ...network,
    preprocessing: { kind: "standardize", mean: 0.5, std: 2 },
  });
  const affine = foldAffine(network.layers, {
    means: new Float64Array(4).fill(0.5),
    matrix: new Float64Array(16).fill(1),
  });
  for (const [first, second] of [standardized, affine]) {
    t.true(first.weights.buffer instanceof SharedArrayBuffer);
    t.true(first.biases.buffer instanceof SharedArrayBuffer);
    t.is(second, network.layers[1]);
  }
  t.deepEqual(
    network.layers.map(({ weights, biases }) => [[...weights], [...biases]]),
    before,
  );
});

test("refuses a mean and a deviation that make a weight or a bias infinite, by the network's name", (t) => {
  const layerOf = (weight: number) => [
    {
      ...{ inputs: 2, outputs: 1, activation: "identity" as const },
      weights: Float64Array.of(weight, weight),
      biases: Float64Array.of(0),
    },
  ];
  const folded = (weight: number, mean: number, std: number, unit: "byte" | "fraction") =>
    foldPreprocessing(
      { name: "m.npz", layers: layerOf(weight), preprocessing: { kind: "standardize", mean, std } },
      unit,
    );
  for (const [weight, mean, std, unit, layer] of [
    [1e303, 0, 1e-9, "byte", "W1"],
    [1e300, 0, 1e-9, "fraction", "W1"],
    [-1e301, 0.5, 1e-9, "fraction", "W1"],
    [1e308, 10, 0.5, "byte", "b1"],
  ] as const) {
    const error = t.throws(() => folded(weight, mean, std, unit), { instanceOf: NetworkError });
    t.is(error?.code, "ERR_NORMALIZE_OVERFLOW");
    t.is(error?.exitStatus, 3);
    t.regex(error?.message ?? "", new RegExp(`^m\\.npz: ${layer}: `));
  }
  const [{ weights, biases }] = folded(1e297, 0.5, 1e-9, "byte");
  t.true([...weights, ...biases].every(Number.isFinite));
});
