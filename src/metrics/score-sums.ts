/**
 * Sums over the probabilities of images, as integers: the order of the batches does not change them.
 * Partial counts of a run are added and checked here too.
 */
import type { PartialCounts } from "#src/base/contracts/journal.js";
import type { ScoreBin, ScoreSums } from "#src/base/contracts/metrics.js";
import { partialOf, scoreSumsOf, serialiseScores } from "./tally.js";

/** Fractions are counted in units of 2⁻³². Each value of an image is rounded once, before it is added. */
export const UNITS_PER_ONE = 2 ** 32;

/** Number of bins in Guo et al., "On Calibration of Modern Neural Networks" (ICML 2017), and torchmetrics' default. */
export const RELIABILITY_BINS = 15;

/** Float64's epsilon: scikit-learn's log_loss clips there. So no image costs more than 36.05. */
const LEAST_PROBABILITY = Number.EPSILON;
const MOST_LOG_LOSS = -Math.log(LEAST_PROBABILITY);
/** Brier score of an image whose probability is 1 for a wrong class. */
const MOST_BRIER = 2;

/**
 * Number of images summed in float64 before the sum is added to a BigInt. An image adds at most 36.05 · 2³² < 2³⁸ units.
 * So 2¹⁵ images stay below 2⁵³, and every sum is exact.
 */
const RUN_IMAGES = 2 ** 15;

export function emptyScoreSums(classes: number): ScoreSums {
  return {
    logLoss: 0n,
    brier: 0n,
    labelRanks: new Array<number>(classes).fill(0),
    bins: Array.from({ length: RELIABILITY_BINS }, () => ({ total: 0, correct: 0, confidence: 0n })),
  };
}

/** Sum of `a` and `b`, as a new object. Both have the same number of classes. */
export function addScoreSums(a: ScoreSums, b: ScoreSums): ScoreSums {
  return {
    logLoss: a.logLoss + b.logLoss,
    brier: a.brier + b.brier,
    labelRanks: a.labelRanks.map((images, rank) => images + b.labelRanks[rank]!),
    bins: a.bins.map((bin, n) => addBins(bin, b.bins[n]!)),
  };
}

function addBins(a: ScoreBin, b: ScoreBin): ScoreBin {
  return {
    total: a.total + b.total,
    correct: a.correct + b.correct,
    confidence: a.confidence + b.confidence,
  };
}

/** The reason why these cannot be the sums of `total` images, or undefined. It detects files that were changed. */
export function scoreContradictionOf(
  { logLoss, brier, labelRanks, bins }: ScoreSums,
  { total, correct: right }: { readonly total: number; readonly correct: number },
  classes: number,
): string | undefined {
  if (labelRanks.length !== classes) return `expected ${classes} ranks of labels, found ${labelRanks.length}`;
  if (bins.length !== RELIABILITY_BINS) return `expected ${RELIABILITY_BINS} bins, found ${bins.length}`;
  const ranked = sumOf(labelRanks);
  if (ranked !== total) return `expected ${total} images in the ranks of labels, found ${ranked}`;
  const binned = sumOf(bins.map((bin) => bin.total));
  if (binned !== total) return `expected ${total} images in the bins, found ${binned}`;
  if (labelRanks[0] !== right)
    return `expected ${right} images first in the ranks of labels, found ${labelRanks[0]}`;
  if (labelRanks.some((images, rank) => rank !== 1 && images < 0) || labelRanks[0] + (labelRanks[1] ?? 0) < 0)
    return "expected ranks of labels of no fewer than 0 images, found fewer";
  // An image is correct in its bin if its label is the predicted class.
  const correct = sumOf(bins.map((bin) => bin.correct));
  if (correct !== labelRanks[0])
    return `expected ${labelRanks[0]} right images in the bins, found ${correct}`;
  const most = [MOST_LOG_LOSS, MOST_BRIER].map((value) => BigInt(total) * BigInt(inUnits(value)));
  if (logLoss > most[0]! || brier > most[1]!)
    return `expected losses that ${total} images can have, found larger ones`;
  const isWithin = bins.every(
    (bin) => bin.correct <= bin.total && bin.confidence <= BigInt(bin.total) * BigInt(UNITS_PER_ONE),
  );
  return isWithin ? undefined : "expected bins whose shares are 1 at most, found a larger one";
}

export function sumOf(counts: readonly number[]): number {
  return counts.reduce((a, b) => a + b, 0);
}

/** Place of each image's label among its classes. */
export interface LabelPlaces {
  /** (images) u16: number of classes before the label. Among equal logits the higher class comes first. */
  readonly places: Uint16Array;
  /** (images) u8: 1 if the label is the predicted class: the lowest one with the largest logit. Otherwise 0. */
  readonly hits: Uint8Array;
}

/**
 * Places of the labels of the first `count` images.
 * scikit-learn's top_k_accuracy_score sorts ascending and stably, and takes the last k.
 * So the highest of equal classes comes first.
 *
 * @param scores (count × classes) f64, row-major, without NaN: logits, or values in the same order
 */
export function placeLabels(
  scores: Float64Array,
  labels: Uint8Array,
  count: number,
  classes: number,
): LabelPlaces {
  const places = new Uint16Array(count);
  const hits = new Uint8Array(count);
  for (let image = 0; image < count; image++) {
    const row = image * classes;
    const label = labels[image]!;
    const ofLabel = scores[row + label]!;
    let before = 0;
    let isHit = 1;
    for (let k = 0; k < classes; k++) {
      if (scores[row + k]! > ofLabel) {
        before++;
        isHit = 0;
      } else if (k !== label && scores[row + k] === ofLabel) {
        if (k > label) before++;
        else isHit = 0;
      }
    }
    places[image] = before;
    hits[image] = isHit;
  }
  return { places, hits };
}

/**
 * Sums over the first `count` images.
 *
 * @param probabilities (count × classes) f64, row-major; each row comes from softmax: 0..1, with the sum 1 within rounding.
 *   So rows are not divided by their sums again, as scikit-learn does
 * @param labels (count) u8, each below `classes`
 * @param placed places of the labels by logits, which distinguish more than probabilities
 * @throws {RangeError} if a probability is NaN
 */
export function sumScores(
  probabilities: Float64Array,
  labels: Uint8Array,
  count: number,
  classes: number,
  placed: LabelPlaces = placeLabels(probabilities, labels, count, classes),
): ScoreSums {
  let sums = emptyScoreSums(classes);
  for (let start = 0; start < count; start += RUN_IMAGES) {
    const end = Math.min(start + RUN_IMAGES, count);
    sums = addScoreSums(sums, sumRun(probabilities, labels, placed, start, end, classes));
  }
  return sums;
}

/** Sums over the images from `start` up to, not including, `end`: at most RUN_IMAGES. */
function sumRun(
  probabilities: Float64Array,
  labels: Uint8Array,
  { places, hits }: LabelPlaces,
  start: number,
  end: number,
  classes: number,
): ScoreSums {
  let logLoss = 0;
  let brier = 0;
  const labelRanks = new Array<number>(classes).fill(0);
  const totals = new Float64Array(RELIABILITY_BINS);
  const corrects = new Float64Array(RELIABILITY_BINS);
  const confidences = new Float64Array(RELIABILITY_BINS);
  for (let image = start; image < end; image++) {
    const row = image * classes;
    const label = labels[image]!;
    const ofLabel = probabilities[row + label]!;
    let confidence = ofLabel;
    let squares = 0;
    for (let k = 0; k < classes; k++) {
      const probability = probabilities[row + k]!;
      const distance = k === label ? 1 - probability : probability;
      squares += distance * distance;
      if (probability > confidence) confidence = probability;
    }
    logLoss += inUnits(-Math.log(Math.min(1, Math.max(LEAST_PROBABILITY, ofLabel))));
    brier += inUnits(squares);
    countPlace(labelRanks, places[image]!, hits[image]!);
    const bin = binOf(confidence);
    totals[bin]!++;
    corrects[bin]! += hits[image]!;
    confidences[bin]! += inUnits(confidence);
  }
  return {
    logLoss: BigInt(logLoss),
    brier: BigInt(brier),
    labelRanks,
    bins: Array.from(totals, (total, bin) => ({
      total,
      correct: corrects[bin]!,
      confidence: BigInt(confidences[bin]!),
    })),
  };
}

/** Adds an image to ScoreSums.labelRanks. With one class there is no second place, and every image is a hit. */
function countPlace(labelRanks: number[], place: number, hit: number): void {
  labelRanks[0]! += hit;
  if (labelRanks.length === 1) return;
  labelRanks[1]! -= hit;
  labelRanks[Math.max(1, place)]!++;
}

function inUnits(value: number): number {
  return Math.round(value * UNITS_PER_ONE);
}

/** Index of the bin of a confidence. Bin b holds values above b ÷ 15, up to (b + 1) ÷ 15. The first holds 0 too. */
function binOf(confidence: number): number {
  return Math.min(RELIABILITY_BINS, Math.max(1, Math.ceil(confidence * RELIABILITY_BINS))) - 1;
}

/** Counts of an empty range at `offset`. */
export function emptyPartial(offset: number, classes: number, hasScores: boolean): PartialCounts {
  const confusion = new Float64Array(classes * classes);
  const scores = hasScores ? emptyScoreSums(classes) : null;
  return partialOf({ correct: 0, total: 0, confusion }, { offset, limit: 0 }, { scores, recomputed: 0 });
}

/**
 * Sum of `a` and `b`, as a new object. Both have the same number of classes, and share no image.
 * The range of the sum extends from the first image of either to the last. `scores` is null if either has none.
 */
export function addPartials(a: PartialCounts, b: PartialCounts): PartialCounts {
  const offset = Math.min(a.offset, b.offset);
  return {
    offset,
    limit: Math.max(a.offset + a.limit, b.offset + b.limit) - offset,
    correct: a.correct + b.correct,
    total: a.total + b.total,
    confusionMatrix: a.confusionMatrix.map((row, label) =>
      row.map((count, prediction) => count + b.confusionMatrix[label]![prediction]!),
    ),
    scores:
      a.scores && b.scores && serialiseScores(addScoreSums(scoreSumsOf(a.scores), scoreSumsOf(b.scores))),
    recomputed: a.recomputed + b.recomputed,
  };
}

/**
 * The reason why these cannot be the counts of a whole range, or undefined. It detects files of which a digit was changed.
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
  const diagonal = sumOf(confusionMatrix.map((row, label) => row[label]!));
  if (diagonal !== correct) return `expected ${correct} images on the diagonal, found ${diagonal}`;
  return scores === null ? undefined : scoreContradictionOf(scoreSumsOf(scores), { total, correct }, classes);
}
