/** Statistics and whitening, held against NumPy (preprocess-reference.py) and against what whitening is for. */
import { readFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { DatasetError } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { LevelCounts, PixelMoments, whiteningMatrix } from "#src/networks/preprocess.js";
import { inCase } from "../helpers/in-case.js";
import { seeded } from "../helpers/random.js";

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
  const differences = Array.from(found, (value, n) => Math.abs(value - expected[n]));
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
  const { inputs, pixels, epsilon } = references[0];
  const moments = momentsOf(Uint8Array.from(pixels), inputs);
  const { matrix, eigenvalues } = whiteningMatrix("whiten-pca", moments, epsilon);
  const covariance = moments.covariance();
  const at = (i: number, j: number) => {
    let sum = 0;
    for (let k = 0; k < inputs; k++) {
      for (let l = 0; l < inputs; l++) {
        sum += matrix[k * inputs + i] * covariance[k * inputs + l] * matrix[l * inputs + j];
      }
    }
    return sum;
  };
  for (let i = 0; i < inputs; i++) {
    for (let j = 0; j < inputs; j++) {
      const expected = i === j ? eigenvalues[i] / (eigenvalues[i] + epsilon) : 0;
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
  ]) {
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
  const [found] = momentsOf(pixels, 1).covariance();
  t.true(Math.abs(found / variance - 1) < 1e-15);
});

test("refuses to standardize pixels of one grey level", (t) => {
  const counts = new LevelCounts();
  counts.add(new Uint8Array(12).fill(7));
  const error = t.throws(() => counts.standardizing("grey"), { instanceOf: DatasetError });
  t.is(error.code, "ERR_STATISTICS_CONSTANT");
  t.like(error.facts, { dataset: "grey" });
});
