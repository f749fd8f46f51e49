/** What a worker does with batches whose probabilities are asked for; loaded only then. */
import type { Engine } from "../contracts/engine.js";
import type { ScoreSums } from "../contracts/scores.js";
import { argmax } from "../metrics/argmax.js";
import { sumScores } from "../metrics/score-sums.js";
import { probabilitiesInPlace } from "../metrics/softmax.js";
import type { Slab } from "../slabs/slab.js";

export type ScoreBatch = (start: number, count: number) => Promise<ScoreSums>;

/**
 * Of a slab with room: pixels (count × inputs) u8 → predictions (count) u16 and probabilities (count × outputs) f64, both
 * written, and their sums. Predictions are the logits' argmax, as they are without probabilities: of two logits that all
 * but agree the probabilities may be equal.
 */
export function batchScorer(
  engine: Engine,
  outputs: number,
  { pixels, labels, predictions, inputs }: Slab,
  probabilities: Float64Array,
): ScoreBatch {
  return async (start, count) => {
    const end = start + count;
    // First the logits, which then become probabilities where they are.
    const values = probabilities.subarray(start * outputs, end * outputs);
    await engine.forward(pixels.subarray(start * inputs, end * inputs), count, values);
    for (let n = 0; n < count; n++) {
      predictions[start + n] = argmax(values, n * outputs, outputs);
      probabilitiesInPlace(engine.ends ?? "logits", values, n * outputs, outputs);
    }
    return sumScores(values, labels.subarray(start, end), count, outputs);
  };
}
