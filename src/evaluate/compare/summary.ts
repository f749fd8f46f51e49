/** From the answers of two networks to how they compare: integers, divided at the end. */
import type { ComparisonResult, SideScore } from "#src/base/contracts/comparison.js";
import { agreementOf } from "#src/metrics/agreement.js";
import { wilson95 } from "#src/metrics/intervals.js";
import { mcnemarExact } from "#src/metrics/mcnemar.js";
import { pairedInterval95 } from "#src/metrics/paired-interval.js";
import { answeredByBoth, type PairedAnswers } from "./answers.js";

/** @param offset index, within the data set, of the first image */
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
    for (let n = 0; n < total; n++) if (isWanted(n)) indices.push(offset + places[n]);
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
