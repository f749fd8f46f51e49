/** From sums of scores to the measures that users see: each is divided once. */
import type { ReliabilityBin, ScoreMetrics } from "#src/base/contracts/metrics.js";
import { type ScoreBin, type ScoreSums, UNITS_PER_ONE } from "#src/base/contracts/scores.js";
import { sumOf } from "./score-sums.js";

/**
 * Log loss and top-k accuracy as scikit-learn's log_loss and top_k_accuracy_score have them; the Brier score of all
 * classes (G. W. Brier, Monthly Weather Review 78, 1950); expected calibration error Σ_b (n_b ÷ n)·|accuracy_b −
 * confidence_b| (Guo et al., ICML 2017). Each image was rounded by at most 2⁻³³, and so is every mean. `k` is 1 to the
 * number of classes; for 1, equal logits count as for the accuracy, and not as in scikit-learn. 0 everywhere where nothing was evaluated.
 */
export function scoreMetrics({ logLoss, brier, labelRanks, bins }: ScoreSums, k: number): ScoreMetrics {
  const total = sumOf(labelRanks);
  const correct = sumOf(labelRanks.slice(0, k));
  const mean = (units: bigint) => (total === 0 ? 0 : Number(units) / UNITS_PER_ONE / total);
  return {
    logLoss: mean(logLoss),
    brierScore: mean(brier),
    expectedCalibrationError: mean(bins.reduce((sum, bin) => sum + miscalibrationOf(bin), 0n)),
    reliability: bins.map((bin, n) => reliabilityOf(bin, n / bins.length, (n + 1) / bins.length)),
    topK: { k, correct, accuracy: total === 0 ? 0 : correct / total },
  };
}

/** n_b·|accuracy_b − confidence_b| in units: an integer, since n_b cancels. */
function miscalibrationOf({ correct, confidence }: ScoreBin): bigint {
  const gap = BigInt(correct) * BigInt(UNITS_PER_ONE) - confidence;
  return gap < 0n ? -gap : gap;
}

function reliabilityOf({ total, correct, confidence }: ScoreBin, from: number, to: number): ReliabilityBin {
  if (total === 0) return { from, to, total, accuracy: null, meanConfidence: null };
  return {
    from,
    to,
    total,
    accuracy: correct / total,
    meanConfidence: Number(confidence) / UNITS_PER_ONE / total,
  };
}
