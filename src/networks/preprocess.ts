/** Computes statistics of pixels in one pass, and whitening. Sums are integers, so the order of images is free. */

import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { finished } from "#src/base/abort.js";
import type { DenseLayer, Standardizing, WhiteningKind } from "#src/base/contracts/network.js";
import { atLeast, DatasetError } from "#src/base/errors.js";
import { columnSums, divided, shared } from "./fold.js";

const LEVELS = 256;
/** Unit of the statistics: pixels ÷ 255. */
const WHITE = 255;

/** Numbers of all pixels together, whatever their channels. */
export interface FittedStandardizing extends Standardizing {
  readonly mean: number;
  readonly std: number;
}

/** Count of each grey level, from which mean and standard deviation follow. Exact up to 2^53 pixels. */
export class LevelCounts {
  readonly #counts = new Float64Array(LEVELS);

  add(pixels: Uint8Array): void {
    for (let n = 0; n < pixels.length; n++) this.#counts[pixels[n]!]!++;
  }

  /**
   * Returns the mean and the standard deviation (1/N) of all pixels ÷ 255.
   *
   * @throws DatasetError ERR_STATISTICS_CONSTANT if all pixels are equal, because the standard deviation is then 0
   */
  standardizing(dataset: string): FittedStandardizing {
    const found = this.standardizingOrNone();
    if (found === undefined) throw new DatasetError("ERR_STATISTICS_CONSTANT", { dataset });
    return found;
  }

  /** The same, or undefined if all pixels are equal. */
  standardizingOrNone(): FittedStandardizing | undefined {
    let pixels = 0;
    let sum = 0;
    for (const [level, count] of this.#counts.entries()) {
      pixels += count;
      sum += count * level;
    }
    const mean = sum / pixels;
    let squares = 0;
    for (const [level, count] of this.#counts.entries()) squares += count * (level - mean) ** 2;
    const std = Math.sqrt(squares / pixels);
    return std > 0 ? { kind: "standardize", mean: mean / WHITE, std: std / WHITE } : undefined;
  }
}

/** Σ x and Σ xᵀx over images x (I) of bytes: integers, exact in float64 up to about 10^11 images. */
export class PixelMoments {
  #images = 0;
  readonly #sums: Float64Array;
  /** (I,I) row-major; only the upper triangle is filled. */
  readonly #products: Float64Array;
  // Pixels of one image that are not zero. The others, about four in five, add nothing.
  readonly #places: Int32Array;
  readonly #values: Float64Array;

  constructor(readonly inputs: number) {
    this.#sums = new Float64Array(inputs);
    this.#products = new Float64Array(inputs * inputs);
    this.#places = new Int32Array(inputs);
    this.#values = new Float64Array(inputs);
  }

  /** pixels (images × I) u8, row-major. */
  add(pixels: Uint8Array): void {
    for (let at = 0; at < pixels.length; at += this.inputs) {
      this.#addImage(pixels.subarray(at, at + this.inputs));
    }
  }

  /** μ (I): the mean of each pixel ÷ 255. */
  means(): Float64Array {
    return this.#sums.map((sum) => sum / this.#images / WHITE);
  }

  /** (I,I), symmetric, row-major: the covariance (1/N) of the pixels ÷ 255. */
  covariance(): Float64Array {
    const { inputs } = this;
    const count = this.#images;
    const covariance = new Float64Array(inputs * inputs);
    for (let i = 0; i < inputs; i++) {
      for (let j = i; j < inputs; j++) {
        // Both products are integers, exact up to 370,000 images, so that the subtraction cancels without a rounding error.
        const whole = count * this.#products[i * inputs + j]! - this.#sums[i]! * this.#sums[j]!;
        const value = whole / (count * WHITE) ** 2;
        covariance[i * inputs + j] = value;
        covariance[j * inputs + i] = value;
      }
    }
    return covariance;
  }

  #addImage(image: Uint8Array): void {
    const places = this.#places;
    const values = this.#values;
    let found = 0;
    for (let i = 0; i < image.length; i++) {
      if (image[i] === 0) continue;
      places[found] = i;
      values[found++] = image[i]!;
    }
    for (let a = 0; a < found; a++) {
      const value = values[a]!;
      const row = places[a]! * this.inputs;
      this.#sums[places[a]!]! += value;
      for (let b = a; b < found; b++) this.#products[row + places[b]!]! += value * values[b]!;
    }
    this.#images++;
  }
}

/** Whitening x' = (x ÷ 255 − means) · matrix. Pixels of the training split become uncorrelated; variances λ ÷ (λ + ε). */
export interface WhiteningMatrix {
  readonly kind: WhiteningKind;
  readonly epsilon: number;
  /** μ (I). */
  readonly means: Float64Array;
  /** A (I,I), row-major. */
  readonly matrix: Float64Array;
  /** Λ, descending; none below 0. */
  readonly eigenvalues: Float64Array;
}

/**
 * A = U (Λ + εI)^−½ Uᵀ for ZCA, U (Λ + εI)^−½ for PCA, of the covariance U Λ Uᵀ (1/N) of pixels ÷ 255.
 *
 * PCA's columns are in descending order of their eigenvalues. In each, the element of largest magnitude (the first of equal
 * ones) is positive; without this rule the signs would be arbitrary. For equal eigenvalues, such as those of pixels that are
 * always black, PCA's columns remain arbitrary. ZCA has no such choice.
 */
export function whiteningMatrix(
  kind: WhiteningKind,
  moments: PixelMoments,
  epsilon: number,
): WhiteningMatrix {
  const { inputs } = moments;
  const covariance = Matrix.from1DArray(inputs, inputs, moments.covariance());
  const decomposition = new EigenvalueDecomposition(covariance, { assumeSymmetric: true });
  const ascending = decomposition.realEigenvalues;
  const vectors = decomposition.eigenvectorMatrix;
  // A covariance has no eigenvalue below 0. One that rounding made negative is 0.
  const eigenvalues = Float64Array.from({ length: inputs }, (_, k) =>
    Math.max(0, ascending[inputs - 1 - k]!),
  );
  const columns = new Matrix(inputs, inputs);
  for (let k = 0; k < inputs; k++) {
    columns.setColumn(k, withSign(vectors.getColumn(inputs - 1 - k)));
  }
  const scaled = columns
    .clone()
    .mulRowVector([...eigenvalues].map((value) => 1 / Math.sqrt(value + epsilon)));
  const matrix = kind === "whiten-pca" ? scaled : scaled.mmul(columns.transpose());
  return {
    kind,
    epsilon,
    means: moments.means(),
    matrix: Float64Array.from(matrix.to1DArray()),
    eigenvalues,
  };
}

/** Returns the vector or its opposite, so that its element of largest magnitude is positive. */
function withSign(vector: number[]): number[] {
  const largest = vector.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  return largest < 0 ? vector.map((value) => -value) : vector;
}

/** x' = (x ÷ 255 − μ) · A (I,I). */
interface Whitened {
  readonly means: Float64Array;
  readonly matrix: Float64Array;
}

/**
 * Returns layers that read bytes x in place of x' = (x ÷ 255 − μ) · A: W' (I,O) = A · W ÷ 255,
 * b' (O) = b − μ · A · W, in float64 and shared memory.
 */
export function foldAffine(layers: readonly DenseLayer[], { means, matrix }: Whitened): DenseLayer[] {
  const [first, ...rest] = atLeast(layers, 1);
  const { inputs, outputs, weights } = first;
  const product = new Float64Array(inputs * outputs);
  for (let i = 0; i < inputs; i++) {
    for (let k = 0; k < inputs; k++) {
      const a = matrix[i * inputs + k]!;
      for (let o = 0; o < outputs; o++) product[i * outputs + o]! += a * weights[k * outputs + o]!;
    }
  }
  const sums = columnSums({ inputs, outputs, weights: product }, means);
  return [
    {
      ...first,
      weights: finished(divided(product, WHITE)),
      biases: shared(first.biases, (bias, o) => bias - sums[o]!),
    },
    ...rest,
  ];
}
