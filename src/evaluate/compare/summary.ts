/** Compares the answers of two networks: integers, divided at the end. */
import type { ComparisonResult, SideScore } from "#src/base/contracts/comparison.js";
import { allocateEntries } from "#src/base/slab.js";
import { wilson95 } from "#src/metrics/intervals.js";
import { agreementOf, mcnemarExact, pairedInterval95 } from "#src/metrics/paired.js";

/** Counts and compares. @param offset index, within the data set, of the first image */
export function summarizeComparison(
  answers: PairedAnswers,
  classes: number,
  offset: number,
): ComparisonResult {
  const { places, labels, predictions } = answeredByBoth(answers);
  const [a, b] = predictions;
  const total = places.length;
  const { matrix, ...right } = agreementOf(labels, a, b, classes);
  const { difference, low, high } = pairedInterval95(right);
  const indicesWhere = (isWanted: (n: number) => boolean): number[] => {
    const indices: number[] = [];
    for (let n = 0; n < total; n++) if (isWanted(n)) indices.push(offset + places[n]!);
    return indices;
  };
  return {
    complete: total === answers.labels.length,
    total,
    a: scoreOf(right.both + right.onlyA, total),
    b: scoreOf(right.both + right.onlyB, total),
    difference: { accuracy: difference, confidenceInterval95: [low, high] },
    right,
    mcnemarPValue: mcnemarExact(right.onlyA, right.onlyB),
    agreed: a.reduce((sum, prediction, n) => sum + Number(prediction === b[n]), 0),
    agreementMatrix: Array.from({ length: classes }, (_, row) => [
      ...matrix.subarray(row * classes, (row + 1) * classes),
    ]),
    onlyARight: indicesWhere((n) => a[n] === labels[n] && b[n] !== labels[n]),
    onlyBRight: indicesWhere((n) => b[n] === labels[n] && a[n] !== labels[n]),
  };
}

function scoreOf(correct: number, total: number): SideScore {
  return {
    correct,
    accuracy: total === 0 ? 0 : correct / total,
    confidenceInterval95: total === 0 ? [0, 1] : wilson95(correct, total),
  };
}

/** Marks an image without an answer: no network has this class. */
const NO_ANSWER = 0xffff;

/** Answers of both sides, image by image, in order. */
export interface PairedAnswers {
  /** (images) u8; 0 for an image without an answer. */
  readonly labels: Uint8Array;
  /** (images) u16 each: A's and B's; 65,535 for an image without an answer. */
  readonly predictions: readonly [a: Uint16Array, b: Uint16Array];
}

/** @throws UsageError ERR_MEMORY */
export function emptyAnswers(images: number): PairedAnswers {
  const unanswered = () => allocateEntries(Uint16Array, images).fill(NO_ANSWER);
  return { labels: allocateEntries(Uint8Array, images), predictions: [unanswered(), unanswered()] };
}

export interface AnsweredByBoth extends PairedAnswers {
  /** [n]: the place, among all images, of the n-th image that both networks have answered. */
  readonly places: Uint32Array;
}

/** @throws UsageError ERR_MEMORY */
export function answeredByBoth({ labels, predictions: [a, b] }: PairedAnswers): AnsweredByBoth {
  // Loops, because an iterator would first make a list of all images. Such a list fails at some hundred millions.
  const room = allocateEntries(Uint32Array, labels.length);
  let total = 0;
  for (let n = 0; n < labels.length; n++) {
    if (a[n] !== NO_ANSWER && b[n] !== NO_ANSWER) room[total++] = n;
  }
  const places = room.subarray(0, total);
  const at = <V extends Uint8Array | Uint16Array>(values: V, found: V): V => {
    for (let i = 0; i < total; i++) found[i] = values[places[i]!]!;
    return found;
  };
  return {
    places,
    labels: at(labels, allocateEntries(Uint8Array, total)),
    predictions: [at(a, allocateEntries(Uint16Array, total)), at(b, allocateEntries(Uint16Array, total))],
  };
}
