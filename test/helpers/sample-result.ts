/** A result worked out by hand: eleven images of three classes, with everything that a result can have. */
import { AS_STORED } from "#src/base/contracts/dataset.js";
import type { AnyEvaluation, Evaluation, PredictedCounts, ResultFile } from "#src/base/contracts/result.js";

export type LabelledResult = Extract<ResultFile["result"], { labelled: true }>;

export const SAMPLE_COUNTS: LabelledResult = {
  labelled: true,
  accuracy: 9 / 11,
  correct: 9,
  total: 11,
  complete: true,
  confidenceInterval95: [0.5230194, 0.9486356],
  confusionMatrix: [
    [5, 1, 0],
    [0, 4, 0],
    [1, 0, 0],
  ],
  perClass: [
    { label: 0, support: 6, predicted: 6, precision: 5 / 6, recall: 5 / 6, f1: 5 / 6 },
    { label: 1, support: 4, predicted: 5, precision: 4 / 5, recall: 1, f1: 8 / 9 },
    { label: 2, support: 1, predicted: 0, precision: null, recall: 0, f1: 0 },
  ],
  averages: {
    macro: { precision: 49 / 90, recall: 11 / 18, f1: 31 / 54 },
    micro: { precision: 9 / 11, recall: 9 / 11, f1: 9 / 11 },
    weighted: { precision: 8.2 / 11, recall: 9 / 11, f1: 77 / 99 },
  },
  balancedAccuracy: 11 / 18,
  cohensKappa: 43 / 65,
  matthewsCorrelation: 43 / Math.sqrt(60 * 68),
  scores: {
    logLoss: 0.75,
    brierScore: 0.25,
    expectedCalibrationError: 0.0625,
    reliability: [
      { from: 0, to: 0.5, total: 0, accuracy: null, meanConfidence: null },
      { from: 0.5, to: 1, total: 11, accuracy: 9 / 11, meanConfidence: 0.875 },
    ],
    topK: { k: 2, correct: 10, accuracy: 10 / 11 },
  },
  macroF1Interval95: { low: 0.4, high: 0.9, resamples: 1000, seed: 1 },
};

/** As its JSON file holds it. */
export const SAMPLE_RESULT: ResultFile = {
  schemaVersion: 1,
  assumptions: [],
  dataset: {
    name: "shapes",
    split: "test",
    sha256: "a".repeat(64),
    total: 11,
    offset: 0,
    classNames: ["circle", "square", "triangle"],
    view: AS_STORED,
    location: { dataset: "shapes", labels: null, classes: "shapes/names.txt" },
  },
  network: {
    name: "shapes.onnx",
    sha256: "b".repeat(64),
    layers: [64, 16, 3],
    activations: ["relu", "identity"],
    preprocessing: { kind: "scale" },
    location: {
      weights: "shapes.onnx",
      activation: null,
      architecture: null,
      normalize: "scale",
      mean: null,
      std: null,
    },
  },
  run: {
    engine: "ml-matrix",
    executor: "local",
    threads: 2,
    workersStarted: 2,
    batchesByThread: [0, 2, 1],
    batchSize: 4,
    batches: 3,
    retries: 0,
    recomputed: 0,
    normalize: "scale",
    node: "v20.19.0",
    cpu: "an abacus",
  },
  result: SAMPLE_COUNTS,
  timing: {
    totalMs: 90.5,
    loadMs: 20.25,
    startPoolMs: 40,
    evaluateMs: 11,
    imagesPerSecond: 1000,
    batchLatencyMs: { p50: 1.25, p90: 2.5, p99: 3.75 },
  },
  predictionsFile: { path: "/results/shapes.ndjson", sha256: "c".repeat(64), format: "ndjson" },
  timeline: [
    { batch: 0, thread: 1, startMs: 0, elapsedMs: 1.25 },
    { batch: 1, thread: 2, startMs: 0.5, elapsedMs: 3.75 },
    { batch: 2, thread: 1, startMs: 1.5, elapsedMs: 2.5 },
  ],
};

/** The same as `evaluate` answers it. */
export function sampleEvaluation(counts: Partial<LabelledResult> = {}): Evaluation {
  const { timeline = [], predictions: _, ...facts } = SAMPLE_RESULT;
  return {
    ...facts,
    result: { ...SAMPLE_COUNTS, ...counts },
    timeline,
    predictions: Uint16Array.from([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0]),
    probabilities: new Float64Array(33).fill(1 / 3),
  };
}

/** With names of the classes that try to be more than names. */
export function withNames<Any extends AnyEvaluation>(evaluation: Any, classNames: readonly string[]): Any {
  return { ...evaluation, dataset: { ...evaluation.dataset, classNames } };
}

export const HOSTILE_NAMES = [
  '=HYPERLINK("http://evil.example","a|b")',
  "</td><script>alert(1)</script> & *bold* `code` [x](y) @someone #1",
  "plain, with a comma",
] as const;

export function unlabelledEvaluation(): Evaluation<PredictedCounts> {
  const { result: _, ...facts } = sampleEvaluation();
  return {
    ...facts,
    probabilities: null,
    result: { labelled: false, total: 11, complete: true, predictedCounts: [6, 5, 0] },
  };
}
