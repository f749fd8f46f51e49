/** What was done to the bytes 0..255 before the first layer saw them, as a recipe that stands beside the weights. */

export const NORMALIZATIONS = ["scale", "none", "standardize", "whiten-zca", "whiten-pca"] as const;
/** The kinds of `Preprocessing`. */
export type Normalization = (typeof NORMALIZATIONS)[number];

/** Those whose numbers are fitted to a training split. */
export const FITTED_NORMALIZATIONS = ["standardize", "whiten-zca", "whiten-pca"] as const;
export type FittedNormalization = (typeof FITTED_NORMALIZATIONS)[number];
export type WhiteningKind = Exclude<FittedNormalization, "standardize">;

/** x' = (x ÷ 255 − mean) ÷ std: one mean and one standard deviation (1/N) of all pixels of the training split. */
export interface Standardizing {
  readonly kind: "standardize";
  readonly mean: number;
  /** Above 0. */
  readonly std: number;
}

/**
 * x' = (x ÷ 255 − μ) · A with A = U (Λ + εI)^−½ Uᵀ for ZCA and U (Λ + εI)^−½ for PCA, where U Λ Uᵀ is the covariance
 * (1/N) of the training split's pixels ÷ 255. A and μ are in the first layer already, which reads bytes as they are.
 */
export interface Whitening {
  readonly kind: WhiteningKind;
  /** ε, above 0. */
  readonly epsilon: number;
  readonly folded: true;
}

/** What the network's training images had gone through; of the evaluated ones the same is done, within the first layer. */
export type Preprocessing =
  /** The bytes as they are. */
  | { readonly kind: "none" }
  /** x' = x ÷ 255. */
  | { readonly kind: "scale" }
  | Standardizing
  | Whitening;
