/** Counts of parts of a run, added, and held against what cannot be; loaded only where a run has parts. */
import type { PartialCounts } from "#src/base/contracts/partial.js";
import { partialOf, scoreSumsOf, serialiseScores } from "./partial-counts.js";
import { addScoreSums, emptyScoreSums, scoreContradictionOf, sumOf } from "./score-sums.js";

/** Nothing yet, of no image behind `offset`. */
export function emptyPartial(offset: number, classes: number, hasScores: boolean): PartialCounts {
  const confusion = new Float64Array(classes * classes);
  const scores = hasScores ? emptyScoreSums(classes) : null;
  return partialOf({ correct: 0, total: 0, confusion }, { offset, limit: 0 }, { scores, recomputed: 0 });
}

/**
 * Of both; neither is changed. They are of the same number of classes, with scores or without, and share no image; the
 * range of the sum reaches from the first image of either to the last.
 */
export function addPartials(a: PartialCounts, b: PartialCounts): PartialCounts {
  const offset = Math.min(a.offset, b.offset);
  return {
    offset,
    limit: Math.max(a.offset + a.limit, b.offset + b.limit) - offset,
    correct: a.correct + b.correct,
    total: a.total + b.total,
    confusionMatrix: a.confusionMatrix.map((row, label) =>
      row.map((count, prediction) => count + b.confusionMatrix[label][prediction]),
    ),
    scores:
      a.scores && b.scores && serialiseScores(addScoreSums(scoreSumsOf(a.scores), scoreSumsOf(b.scores))),
    recomputed: a.recomputed + b.recomputed,
  };
}

/**
 * Why these cannot be the counts of a whole range, where they cannot: numbers that were written down tell themselves
 * when a digit of them has changed.
 */
export function contradictionOf(
  { limit, correct, total, confusionMatrix, scores }: PartialCounts,
  classes: number,
): string | undefined {
  const isSquare =
    confusionMatrix.length === classes && confusionMatrix.every((row) => row.length === classes);
  if (!isSquare) return `expected a confusion matrix of ${classes} × ${classes} counts`;
  if (total !== limit) return `expected ${limit} images counted, found ${total}`;
  const counted = sumOf(confusionMatrix.flat());
  if (counted !== total) return `expected ${total} images in the confusion matrix, found ${counted}`;
  const diagonal = sumOf(confusionMatrix.map((row, label) => row[label]));
  if (diagonal !== correct) return `expected ${correct} images on the diagonal, found ${diagonal}`;
  return scores === null ? undefined : scoreContradictionOf(scoreSumsOf(scores), { total, correct }, classes);
}
