/** Probabilities and labels for tests. */

import { softmax } from "#src/engines/logits.js";
import { classRanker } from "#src/metrics/score-metrics.js";
import { seeded } from "./random.js";

export interface ScoredImages {
  /** (count × classes), each row of sum 1. */
  readonly probabilities: Float64Array;
  readonly labels: Uint8Array;
  readonly count: number;
  readonly classes: number;
}

/** From the sharpest (some probabilities of 0 and of 1) to the flattest; three labels in four are the likeliest class. */
export function randomScores(count: number, classes: number, seed = 1): ScoredImages {
  const random = seeded(seed);
  const probabilities = new Float64Array(count * classes);
  const labels = new Uint8Array(count);
  for (let image = 0; image < count; image++) {
    const spread = 10 ** (random() * 4 - 1);
    const row = softmax(Array.from({ length: classes }, () => (random() - 0.5) * spread));
    probabilities.set(row, image * classes);
    labels[image] = random() < 0.75 ? row.indexOf(Math.max(...row)) : Math.floor(random() * classes);
  }
  return { probabilities, labels, count, classes };
}

/** Each row's classes, from the largest score to the smallest. */
export function rankingOf(scores: Float64Array, classes: number): Uint16Array {
  const ranking = new Uint16Array(scores.length);
  const rank = classRanker(classes);
  for (let start = 0; start < scores.length; start += classes) rank(scores, ranking, start);
  return ranking;
}
