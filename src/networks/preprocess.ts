/** Statistics of pixels in one pass. What is added up are whole numbers, so that neither order nor slabs matter. */

import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { Standardizing, WhiteningKind } from "#src/base/contracts/network.js";
import { DatasetError } from "#src/base/errors.js";

const LEVELS = 256;
/** What the statistics are in units of: pixels ÷ 255. */
const WHITE = 255;

/** How often each grey level occurs: all that mean and standard deviation need. Exact to 2^53 pixels. */
export class LevelCounts {
  readonly #counts = new Float64Array(LEVELS);

  add(pixels: Uint8Array): void {
    for (let n = 0; n < pixels.length; n++) this.#counts[pixels[n]]++;
  }

  /**
   * The overall mean and standard deviation (1/N) of the pixels ÷ 255.
   *
   * @throws DatasetError ERR_STATISTICS_CONSTANT where the pixels do not differ, and nothing can be divided by
   */
  standardizing(dataset: string): Standardizing {
    const found = this.standardizingOrNone();
    if (found === undefined) throw new DatasetError("ERR_STATISTICS_CONSTANT", { dataset });
    return found;
  }

  /** The same, or undefined where the pixels do not differ. */
  standardizingOrNone(): Standardizing | undefined {
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

/** Σ x and Σ xᵀx over images x (I) of bytes: whole numbers, exact in float64 to some 10^11 images. */
export class PixelMoments {
  #images = 0;
  readonly #sums: Float64Array;
  /** (I,I) row-major; the upper triangle alone is filled. */
  readonly #products: Float64Array;
  // One image's inked pixels: the others add nothing, and are four in five.
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
        // Both products are whole numbers, exact to 370,000 images: what the subtraction cancels is no rounding error.
        const whole = count * this.#products[i * inputs + j] - this.#sums[i] * this.#sums[j];
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
      values[found++] = image[i];
    }
    for (let a = 0; a < found; a++) {
      const value = values[a];
      const row = places[a] * this.inputs;
      this.#sums[places[a]] += value;
      for (let b = a; b < found; b++) this.#products[row + places[b]] += value * values[b];
    }
    this.#images++;
  }
}

// Whitening: the matrix that makes the pixels of a training split uncorrelated, each of variance λ ÷ (λ + ε).

/** x' = (x ÷ 255 − means) · matrix. */
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
 * PCA's columns stand in descending order of their eigenvalues, each with its element of largest magnitude (of equal
 * ones the first) positive; without such a rule their signs would be anybody's choice. Where eigenvalues are equal, as
 * those of pixels that are always black, PCA's columns are a choice still; ZCA has none.
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
  // A covariance has no eigenvalue below 0; what rounding puts there is 0.
  const eigenvalues = Float64Array.from({ length: inputs }, (_, k) => Math.max(0, ascending[inputs - 1 - k]));
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

/** The vector or its opposite, whichever has its element of largest magnitude positive. */
function withSign(vector: number[]): number[] {
  const largest = vector.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  return largest < 0 ? vector.map((value) => -value) : vector;
}
