/** Whitening: the matrix that makes the pixels of a training split uncorrelated, each of variance λ ÷ (λ + ε). */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { WhiteningKind } from "#src/base/contracts/preprocessing.js";
import type { PixelMoments } from "./preprocess.js";

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
