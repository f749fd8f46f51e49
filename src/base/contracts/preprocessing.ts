/** What was done to the bytes 0..255 before the first layer saw them, as a recipe that stands beside the weights. */

export const NORMALIZATIONS = ["scale", "none", "standardize", "whiten-zca", "whiten-pca"] as const;
/** The kinds of `Preprocessing`. */
export type Normalization = (typeof NORMALIZATIONS)[number];

/** Those whose numbers are fitted to a training split. */
export const FITTED_NORMALIZATIONS = ["standardize", "whiten-zca", "whiten-pca"] as const;
export type FittedNormalization = (typeof FITTED_NORMALIZATIONS)[number];
export type WhiteningKind = Exclude<FittedNormalization, "standardize">;

/** x' = (x ÷ 255 − mean) ÷ std, as the training had it; mostly the mean and the standard deviation of its pixels. */
export interface Standardizing {
  /** As `--normalize` has it. */
  readonly kind: "standardize";
  /** Mean of pixels ÷ 255, −10 to 10. */
  readonly mean: number;
  /** Standard deviation of pixels ÷ 255, 10⁻⁹ to 10. */
  readonly std: number;
}

/**
 * x' = (x ÷ 255 − μ) · A with A = U (Λ + εI)^−½ Uᵀ for ZCA and U (Λ + εI)^−½ for PCA, where U Λ Uᵀ is the covariance
 * (1/N) of the training split's pixels ÷ 255. A and μ are in the first layer already, which reads bytes as they are.
 */
export interface Whitening {
  /** Whether A turns back into pixels (ZCA) or ends in the directions of variance (PCA). */
  readonly kind: WhiteningKind;
  /** ε, 10⁻⁶ to 1,000. */
  readonly epsilon: number;
  /** Always: weights that still want whitened inputs are no network that can be loaded. */
  readonly folded: true;
}

/** What the network's training images had gone through; of the evaluated ones the same is done, within the first layer. */
export type Preprocessing =
  | {
      /** The bytes as they are. */
      readonly kind: "none";
    }
  | {
      /** x' = x ÷ 255. */
      readonly kind: "scale";
    }
  | Standardizing
  | Whitening;
