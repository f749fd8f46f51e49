/** Every metric of the book's network on MNIST's test split, beside what scikit-learn, SciPy and NumPy make of it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { evaluate } from "#src/evaluate/evaluate.js";
import { mnist, needs } from "./helpers/require.js";
import { askScikit, isNear, type ScikitConfusion, type ScikitScores, withScikit } from "./helpers/scikit.js";

const withMnist = needs("mnist", mnist !== undefined);
const folder = mnist ?? "";
const INPUT = { dataset: folder, weights: join(folder, "sample_weight.pkl"), threads: 2, calibration: true };
/** NumPy's own, float64: then Python shares nothing with us but the files of images, labels and weights. */
const LOGITS = join(folder, "..", "reference", "test_logits_float64.npy");
const TOP_K = 5;

interface ScikitEvaluation extends ScikitConfusion {
  readonly predicted: readonly number[];
  readonly confusionMatrix: readonly (readonly number[])[];
  readonly correct: number;
  readonly accuracy: number;
  readonly interval: readonly [low: number, high: number];
  readonly scores: readonly [top1: ScikitScores, topK: ScikitScores];
}

type Row = readonly [metric: string, found: number | null, expected: number | null];

const testBoth = mnist === undefined ? withMnist : withScikit;

testBoth(
  "scikit-learn, SciPy and NumPy give every metric of the book's network alike, to 1e-9",
  async (t) => {
    const { result, probabilities } = await evaluate({ ...INPUT, topK: TOP_K });
    const { result: first } = await evaluate({ ...INPUT, topK: 1 });
    const [expected] = askScikit<ScikitEvaluation>("evaluation", [
      {
        labels: join(folder, "t10k-labels-idx1-ubyte.gz"),
        ks: [1, TOP_K],
        ...(existsSync(LOGITS) ? { logits: LOGITS } : { probabilities: [...(probabilities ?? [])] }),
      },
    ]);
    const { scores } = result;
    if (scores === null || first.scores === null) return t.fail("scores were asked for");
    t.deepEqual(result.confusionMatrix, expected.confusionMatrix);
    const [top1, topK] = expected.scores;
    const [low, high] = result.confidenceInterval95;
    const rows: Row[] = [
      ["correct", result.correct, expected.correct],
      ["accuracy", result.accuracy, expected.accuracy],
      ["Wilson 95 %, low", low, expected.interval[0]],
      ["Wilson 95 %, high", high, expected.interval[1]],
      ...result.perClass.flatMap(({ label, precision, recall, f1, support, predicted }): Row[] => [
        [`class ${label}, precision`, precision, expected.precision[label]],
        [`class ${label}, recall`, recall, expected.recall[label]],
        [`class ${label}, F1`, f1, expected.f1[label]],
        [`class ${label}, support`, support, expected.support[label]],
        [`class ${label}, predicted`, predicted, expected.predicted[label]],
      ]),
      ...(["macro", "micro", "weighted"] as const).flatMap((kind): Row[] => {
        const { precision, recall, f1 } = result.averages[kind];
        const [expectedPrecision, expectedRecall, expectedF1] = expected.averages[kind];
        return [
          [`${kind} precision`, precision, expectedPrecision],
          [`${kind} recall`, recall, expectedRecall],
          [`${kind} F1`, f1, expectedF1],
        ];
      }),
      ["balanced accuracy", result.balancedAccuracy, expected.balancedAccuracy],
      ["Cohen's kappa", result.cohensKappa, expected.cohensKappa],
      ["Matthews' correlation", result.matthewsCorrelation, expected.matthewsCorrelation],
      ["log loss", scores.logLoss, topK.logLoss],
      ["Brier score", scores.brierScore, topK.brierScore],
      ["expected calibration error", scores.expectedCalibrationError, topK.expectedCalibrationError],
      ...scores.reliability.flatMap(({ from, to, total, accuracy, meanConfidence }, bin): Row[] => {
        const [expectedTotal, expectedAccuracy, expectedConfidence] = topK.reliability[bin];
        const name = `(${from.toFixed(3)}, ${to.toFixed(3)}]`;
        return [
          [`${name} images`, total, expectedTotal],
          [`${name} accuracy`, accuracy, expectedAccuracy],
          [`${name} confidence`, meanConfidence, expectedConfidence],
        ];
      }),
      ["top-1 accuracy", first.scores.topK.accuracy, top1.topK],
      [`top-${TOP_K} accuracy`, scores.topK.accuracy, topK.topK],
    ];
    // The interval of macro F1 is of random resamples: test/metrics/bootstrap.test.ts holds it against NumPy's.
    logTable(t, rows);
    for (const [metric, found, value] of rows) isNear(t, found, value, metric);
  },
);

function logTable(t: ExecutionContext, rows: readonly Row[]): void {
  const line = (metric: string, ...cells: readonly string[]) =>
    [metric.padEnd(28), ...cells.map((cell) => cell.padEnd(19))].join(" ").trimEnd();
  const lines = rows.map(([metric, found, expected]) => {
    const gap = found === null || expected === null ? "" : Math.abs(found - expected).toExponential(1);
    return line(metric, String(found), String(expected), gap);
  });
  t.log([line("metric", "Batchwise", "scikit-learn, NumPy", "apart"), ...lines].join("\n"));
}
