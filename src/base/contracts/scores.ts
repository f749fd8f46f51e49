/** Sums over images of what their probabilities say; each is an integer, so that they add in any order to the same. */

/** Fractions are counted in units of 2⁻³²: each image's value is rounded once, before it is added. */
export const UNITS_PER_ONE = 2 ** 32;

export interface ScoreSums {
  /** −ln p(label), in units. */
  readonly logLoss: bigint;
  /** Σₖ (pₖ − [k = label])², in units. */
  readonly brier: bigint;
  /**
   * (classes): its first k add to the images that count for top-k accuracy. For k = 1 these are the right ones, whose label is
   * the lowest of the classes with the largest logit. For k ≥ 2 they are those that scikit-learn's top_k_accuracy_score
   * counts, which prefers the highest of equals; so that [1] is below 0 where many images have equal logits.
   */
  readonly labelRanks: readonly number[];
  /** By the predicted class's probability, in bins of equal width over 0..1. */
  readonly bins: readonly ScoreBin[];
}

export interface ScoreBin {
  readonly total: number;
  readonly correct: number;
  /** The predicted class's probability, in units. */
  readonly confidence: bigint;
}
