/** What a confusion matrix says of each class alone, and of all images together. */

/** Sums of at most 2⁵³ images: plain numbers hold them exactly. */
export interface Marginals {
  /** [k]: images labelled k. */
  readonly support: Float64Array;
  /** [k]: images predicted as k. */
  readonly predicted: Float64Array;
  /** [k]: images that are both. */
  readonly hits: Float64Array;
  readonly correct: number;
  readonly total: number;
}

/** `confusion` is (classes × classes) counts, row-major; rows are labels, columns predictions. */
export function marginalsOf(confusion: ArrayLike<number>, classes: number): Marginals {
  const support = new Float64Array(classes);
  const predicted = new Float64Array(classes);
  const hits = new Float64Array(classes);
  let correct = 0;
  let total = 0;
  for (let label = 0; label < classes; label++) {
    for (let prediction = 0; prediction < classes; prediction++) {
      const images = confusion[label * classes + prediction];
      support[label] += images;
      predicted[prediction] += images;
    }
    hits[label] = confusion[label * classes + label];
    correct += hits[label];
    total += support[label];
  }
  return { support, predicted, hits, correct, total };
}
