/** Preprocessing held against NumPy's, and folded into the first layer. */
import { readFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import type { Preprocessing } from "#src/base/contracts/network.js";
import { atLeast, DatasetError, NetworkError } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { createEngine } from "#src/engines/registry.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { foldAffine, LevelCounts, PixelMoments, whiteningMatrix } from "#src/networks/preprocess.js";
import { EXACT_ENGINES } from "../helpers/engines.js";
import { inCase } from "../helpers/in-case.js";
import { explicitLogits, explicitly, largestDifference, whitened } from "../helpers/preprocess.js";
import { randomNetwork, seeded } from "../helpers/random.js";

const TOLERANCE = 1e-9;

interface Reference {
  readonly name: string;
  readonly epsilon: number;
  readonly inputs: number;
  readonly pixels: readonly number[];
  readonly mean: number;
  readonly std: number;
  readonly means: readonly number[];
  readonly covariance: readonly number[];
  readonly eigenvalues: readonly number[];
  readonly zca: readonly number[];
  readonly pca?: readonly number[];
}

const references: readonly Reference[] = JSON.parse(
  readFileSync(new URL("test/data/preprocess-reference.json", PACKAGE_ROOT), "utf8"),
);

function momentsOf(pixels: Uint8Array, inputs: number): PixelMoments {
  const moments = new PixelMoments(inputs);
  moments.add(pixels);
  return moments;
}

function isNear(t: ExecutionContext, found: ArrayLike<number>, expected: ArrayLike<number>, what: string) {
  t.is(found.length, expected.length, what);
  const differences = Array.from(found, (value, n) => Math.abs(value - expected[n]!));
  const largest = Math.max(...differences);
  t.log(`${what}: ${largest.toExponential(1)}`);
  t.true(largest <= TOLERANCE, `${what}: ${largest}`);
}

test("finds NumPy's statistics", async (t) => {
  for (const reference of references) {
    await inCase(t, `finds NumPy's statistics: ${reference.name}`, () => {
      const pixels = Uint8Array.from(reference.pixels);
      const counts = new LevelCounts();
      counts.add(pixels);
      const { mean, std } = counts.standardizing("random");
      isNear(t, [mean, std], [reference.mean, reference.std], "mean and standard deviation");
      const moments = momentsOf(pixels, reference.inputs);
      isNear(t, moments.means(), reference.means, "means");
      isNear(t, moments.covariance(), reference.covariance, "covariance");
    });
  }
});

test("finds NumPy's whitening", async (t) => {
  for (const reference of references) {
    await inCase(t, `finds NumPy's whitening: ${reference.name}`, () => {
      const { inputs, epsilon } = reference;
      const moments = momentsOf(Uint8Array.from(reference.pixels), inputs);
      const zca = whiteningMatrix("whiten-zca", moments, epsilon);
      isNear(t, zca.eigenvalues, reference.eigenvalues, "eigenvalues");
      t.true(zca.eigenvalues.every((value) => value >= 0));
      isNear(t, zca.matrix, reference.zca, "ZCA");
      if (reference.pca === undefined) return;
      isNear(t, whiteningMatrix("whiten-pca", moments, epsilon).matrix, reference.pca, "PCA");
    });
  }
});

test("compares PCA with NumPy's wherever its columns are no free choice", (t) => {
  t.is(references.filter(({ pca }) => pca !== undefined).length, 3);
});

test("makes pixels uncorrelated, each direction of variance λ ÷ (λ + ε)", (t) => {
  const [{ inputs, pixels, epsilon }] = atLeast(references, 1);
  const moments = momentsOf(Uint8Array.from(pixels), inputs);
  const { matrix, eigenvalues } = whiteningMatrix("whiten-pca", moments, epsilon);
  const covariance = moments.covariance();
  const at = (i: number, j: number) => {
    let sum = 0;
    for (let k = 0; k < inputs; k++) {
      for (let l = 0; l < inputs; l++) {
        sum += matrix[k * inputs + i]! * covariance[k * inputs + l]! * matrix[l * inputs + j]!;
      }
    }
    return sum;
  };
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < inputs; j++) {
      const expected = i === j ? eigenvalues[i]! / (eigenvalues[i]! + epsilon) : 0;
      t.true(Math.abs(at(i, j) - expected) < TOLERANCE, `(${i}, ${j}): ${at(i, j)}`);
    }
  }
});

test("gives the same bits however the images are dealt out", (t) => {
  const random = seeded(5);
  const inputs = 7;
  const pixels = Uint8Array.from({ length: 50 * inputs }, () => Math.floor(random() * 256));
  const whole = momentsOf(pixels, inputs);
  const dealt = new PixelMoments(inputs);
  for (const [from, to] of [
    [30, 50],
    [0, 1],
    [1, 30],
  ] as const) {
    dealt.add(pixels.subarray(from * inputs, to * inputs));
  }
  t.deepEqual(dealt.means(), whole.means());
  t.deepEqual(dealt.covariance(), whole.covariance());
});

test("loses nothing to cancellation where pixels hardly vary", (t) => {
  // 254 and 255 by turns: a variance of ¼ grey level, below sums of 65,025 an image.
  const pixels = Uint8Array.from({ length: 100_000 }, (_, n) => 254 + (n % 2));
  const variance = 0.25 / 255 ** 2;
  const counts = new LevelCounts();
  counts.add(pixels);
  t.is(counts.standardizing("flat").std, 0.5 / 255);
  const [found] = atLeast(momentsOf(pixels, 1).covariance(), 1);
  t.true(Math.abs(found / variance - 1) < 1e-15);
});

test("refuses to standardize pixels of one grey level", (t) => {
  const counts = new LevelCounts();
  counts.add(new Uint8Array(12).fill(7));
  const error = t.throws(() => counts.standardizing("grey"), { instanceOf: DatasetError });
  t.is(error.code, "ERR_STATISTICS_CONSTANT");
  t.like(error.facts, { dataset: "grey" });
});

// Folding: every engine on bytes gives what the unfolded network gives for explicitly preprocessed images.

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
  for (const layers of [standardized, affine]) {
    const [first, second] = atLeast(layers, 2);
    t.true(first.weights.buffer instanceof SharedArrayBuffer);
    t.true(first.biases.buffer instanceof SharedArrayBuffer);
    t.is(second, network.layers[1]!);
  }
  t.deepEqual(
    network.layers.map(({ weights, biases }) => [[...weights], [...biases]]),
    before,
  );
});

test("refuses a mean and a deviation that make a weight or a bias infinite, by the network's name", (t) => {
  const layerOf = (weight: number) => [
    {
      ...{ kind: "dense" as const, inputs: 2, outputs: 1, activation: "identity" as const },
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
  const [{ weights, biases }] = atLeast(folded(1e297, 0.5, 1e-9, "byte"), 1);
  t.true([...weights, ...biases].every(Number.isFinite));
});
