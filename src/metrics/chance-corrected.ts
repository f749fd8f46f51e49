/** Agreement of labels and predictions beyond what chance would give: Cohen's kappa and Matthews' correlation. */
import type { Marginals } from "./marginals.js";

/**
 * With c right of n images, supports tₖ and predictions pₖ:
 *   κ = (c·n − Σ tₖ·pₖ) ÷ (n² − Σ tₖ·pₖ)                          J. Cohen, Educ. Psychol. Meas. 20, 1960
 *   R = (c·n − Σ tₖ·pₖ) ÷ √((n² − Σ pₖ²)·(n² − Σ tₖ²))             J. Gorodkin, Comput. Biol. Chem. 28, 2004
 * as scikit-learn's cohen_kappa_score and matthews_corrcoef have them. The differences are taken of BigInts: where
 * nearly all of many images are of one class they are of n's size while their terms are of n²'s, so that float64, which
 * is exact below 2⁵³ only, would lose the ninth digit from some 10⁸ images on.
 */
export function chanceCorrected({ support, predicted, correct, total }: Marginals): {
  /** Null where chance alone would agree on every image, or there are none. */
  cohensKappa: number | null;
  /** 0 where labels or predictions are all of one class. */
  matthewsCorrelation: number;
} {
  const square = BigInt(total) ** 2n;
  const byChance = dot(support, predicted);
  const beyondChance = Number(BigInt(correct) * BigInt(total) - byChance);
  const room = Number(square - byChance);
  const spread = Number(square - dot(support, support)) * Number(square - dot(predicted, predicted));
  return {
    cohensKappa: room === 0 ? null : beyondChance / room,
    matthewsCorrelation: spread === 0 ? 0 : beyondChance / Math.sqrt(spread),
  };
}

function dot(a: Float64Array, b: Float64Array): bigint {
  return a.reduce((sum, value, n) => sum + BigInt(value) * BigInt(b[n]), 0n);
}
