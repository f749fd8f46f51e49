/** Sums over images of what their probabilities say; each is an integer, so that they add in any order to the same. */

/** Fractions are counted in units of 2⁻³²: each image's value is rounded once, before it is added. */
export const UNITS_PER_ONE = 2 ** 32;

export interface ScoreSums {
  /** −ln p(label), in units. */
  readonly logLoss: bigint;
  /** Σₖ (pₖ − [k = label])², in units. */
  readonly brier: bigint;
  /** [r]: images whose label is the (r + 1)-th most probable class; of equals, the lower class comes first. */
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
