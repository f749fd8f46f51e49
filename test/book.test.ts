/** The book's network on the whole of MNIST, held against NumPy and scikit-learn, by every road that the book takes. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { ENGINES, type EngineName } from "#src/base/contracts/engine.js";
import { atLeast } from "#src/base/errors.js";
import { loadMnist } from "#src/data/named-sets.js";
import { argmax } from "#src/engines/logits.js";
import { predict } from "#src/engines/predict.js";
import { createEngine } from "#src/engines/registry.js";
import { evaluate } from "#src/evaluate/evaluate.js";
import { foldPreprocessing } from "#src/networks/fold-maps.js";
import { loadNetwork } from "#src/networks/registry.js";
import { runCli } from "./helpers/cli.js";
import { testOf } from "./helpers/engines.js";
import { inCase } from "./helpers/in-case.js";
import { mnist, needs } from "./helpers/require.js";
import { askScikit, isNear, type ScikitConfusion, type ScikitScores, withScikit } from "./helpers/scikit.js";

const withMnist = needs("mnist", mnist !== undefined);
const folder = mnist ?? "";
const weights = join(folder, "sample_weight.pkl");
const reference = (name: string) => readFile(join(folder, "..", "reference", name));
const NPY_HEADER_BYTES = 128;

async function referencePredictions(): Promise<number[]> {
  return [...(await reference("test_predictions.u8"))];
}

withMnist("the command line gives 9352 of 10000 and NumPy's confusion matrix", async (t) => {
  const args = ["--dataset", folder, "--weights", weights, "--threads", "8", "--format", "json"];
  const { status, stdout } = await runCli(args);
  t.is(status, 0);
  const { result } = JSON.parse(stdout);
  t.is(result.correct, 9352);
  t.is(result.accuracy, 0.9352);
  const summary = JSON.parse(String(await reference("summary.json")));
  t.deepEqual(result.confusionMatrix, summary.test.confusion_matrix_rows_are_labels);
});

withMnist("the text ends with the book's line", async (t) => {
  const { stdout } = await runCli(["--dataset", folder, "--weights", weights, "--expect-accuracy", "0.9352"]);
  t.true(stdout.endsWith("\nAccuracy : 0.9352\n"));
});

withMnist("any number of threads gives NumPy's 10,000 predictions at any batch size", async (t) => {
  const expected = await referencePredictions();
  for (const [threads, batchSize] of [
    [0, 10_000],
    [1, 7],
    [2, 100],
    [16, 333],
  ]) {
    const { result, predictions } = await evaluate({ dataset: folder, weights, threads, batchSize });
    const what = `${threads} threads, batches of ${batchSize}`;
    t.is(result.correct, 9352, what);
    t.deepEqual([...predictions], expected, what);
  }
});

withMnist("56146 of the 60000 training images are right", async (t) => {
  const input = { dataset: folder, weights, split: "train", engine: "simd", threads: 2 } as const;
  const { result } = await evaluate(input);
  t.is(result.correct, 56_146);
  t.is(result.total, 60_000);
  const summary = JSON.parse(String(await reference("summary.json")));
  t.deepEqual(result.confusionMatrix, summary.train.confusion_matrix_rows_are_labels);
});

/** Largest difference of logits. */
const TOLERANCES: Readonly<Record<EngineName, number>> = {
  "ml-matrix": 1e-9,
  simd: 3e-3,
  onnx: 1e-3,
  reference: 1e-9,
};

async function holdEngine(t: ExecutionContext, name: EngineName): Promise<void> {
  const [, [images]] = await loadMnist({ normalize: false, directory: folder });
  const npy = await reference("test_logits_float64.npy");
  const expected = new Float64Array(new Uint8Array(npy.subarray(NPY_HEADER_BYTES)).buffer);
  const engine = await createEngine(name, foldPreprocessing(await loadNetwork(weights)));
  const logits = new Float64Array(100_000);
  await engine.forward(images.data, 10_000, logits);
  t.is(expected.length, logits.length);
  t.true(logits.every((value, n) => Math.abs(value - expected[n]!) <= TOLERANCES[name]));
  const { predictions, run } = await evaluate({ dataset: folder, weights, engine: name, threads: 2 });
  t.true(run.recomputed <= 50, `${run.recomputed} were computed again`);
  t.deepEqual([...predictions], await referencePredictions());
}

withMnist(
  "each engine is within its tolerance of NumPy's logits and predicts all 10,000 alike",
  async (t) => {
    for (const name of ENGINES.filter((engine) => engine !== "onnx")) {
      await inCase(t, name, () => holdEngine(t, name));
    }
  },
);

(mnist === undefined ? withMnist : testOf("onnx"))(
  "onnx is within its tolerance of NumPy's logits and predicts all 10,000 alike",
  (t) => holdEngine(t, "onnx"),
);

withMnist("predict gives the book's shapes and classes for one image and for a batch", async (t) => {
  const network = await loadNetwork(weights);
  const [, [images]] = await loadMnist({ directory: folder });
  const one = predict(network, images.data.subarray(0, 784));
  t.deepEqual(one.shape, [10]);
  t.is(argmax(one.data), 7);
  const batch = predict(network, { data: images.data.subarray(0, 100 * 784), shape: [100, 784] });
  t.deepEqual(batch.shape, [100, 10]);
  const expected = (await referencePredictions()).slice(0, 100);
  t.deepEqual(
    expected.map((_, n) => argmax(batch.data, n * 10, 10)),
    expected,
  );
  t.true(batch.data.subarray(0, 10).every((value, n) => Math.abs(value - one.data[n]!) < 1e-15));
});

withMnist("shows the first training image, a five", async (t) => {
  const { status, stdout } = await runCli([
    "show",
    "0",
    "--dataset",
    folder,
    "--split",
    "train",
    "--weights",
    weights,
  ]);
  t.is(status, 0);
  t.regex(stdout, /^label: 5\n\(784,\)\n\(28, 28\)\nprediction: 5\n/);
});

// Every metric of the book's network on MNIST's test split, beside what scikit-learn, SciPy and NumPy make of it.

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
    const [expected] = atLeast(
      await askScikit<ScikitEvaluation>("evaluation", [
        {
          labels: join(folder, "t10k-labels-idx1-ubyte.gz"),
          ks: [1, TOP_K],
          ...(existsSync(LOGITS) ? { logits: LOGITS } : { probabilities: [...(probabilities ?? [])] }),
        },
      ]),
      1,
    );
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
        [`class ${label}, precision`, precision, expected.precision[label]!],
        [`class ${label}, recall`, recall, expected.recall[label]!],
        [`class ${label}, F1`, f1, expected.f1[label]!],
        [`class ${label}, support`, support, expected.support[label]!],
        [`class ${label}, predicted`, predicted, expected.predicted[label]!],
      ]),
      ...(["macro", "micro", "weighted"] as const).flatMap((kind): Row[] => {
        const { precision, recall, f1 } = result.averages[kind];
        const [expectedPrecision, expectedRecall, expectedF1] = atLeast(expected.averages[kind], 3);
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
        const [expectedTotal, expectedAccuracy, expectedConfidence] = topK.reliability[bin]!;
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
    // The interval of macro F1 is of random resamples: test/metrics/class-metrics.test.ts holds it against NumPy's.
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
