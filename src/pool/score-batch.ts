/** What a worker does with batches whose probabilities are asked for; loaded only then. */

import type { Engine } from "#src/base/contracts/engine.js";
import type { ScoreSums } from "#src/base/contracts/metrics.js";
import type { Slab } from "#src/base/slab.js";
import { predictClass, probabilitiesInPlace } from "#src/engines/logits.js";
import { classRanker } from "#src/metrics/score-metrics.js";
import { placeLabels, sumScores } from "#src/metrics/score-sums.js";

export type ScoreBatch = (start: number, count: number) => Promise<ScoreSums>;

/**
 * pixels (count × inputs) u8 → predictions (count) u16 and probabilities (count × outputs) f64, both
 * written, and their sums. Predictions, ranking and the labels' places go by the logits: of two logits that all but agree
 * the probabilities may be equal.
 *
 * @throws NanLogitError where a logit is NaN
 */
export function batchScorer(
  engine: Engine,
  outputs: number,
  { pixels, labels, predictions, ranking, inputs }: Slab,
  probabilities: Float64Array,
): ScoreBatch {
  const rank = classRanker(outputs);
  return async (start, count) => {
    const end = start + count;
    // First the logits, which then become probabilities where they are.
    const values = probabilities.subarray(start * outputs, end * outputs);
    await engine.forward(pixels.subarray(start * inputs, end * inputs), count, values);
    const ranks = ranking?.subarray(start * outputs, end * outputs);
    const placed = placeLabels(values, labels.subarray(start, end), count, outputs);
    for (let n = 0; n < count; n++) {
      predictions[start + n] = predictClass(values, n, n * outputs, outputs);
      if (ranks !== undefined) rank(values, ranks, n * outputs);
      probabilitiesInPlace(engine.ends ?? "logits", values, n * outputs, outputs);
    }
    return sumScores(values, labels.subarray(start, end), count, outputs, placed);
  };
}
