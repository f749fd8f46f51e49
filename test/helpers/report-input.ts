/** An evaluation made up for the HTML report: images, answers and counts that belong together. */
import { AS_STORED } from "#src/base/contracts/dataset.js";
import type { ScoreMetrics } from "#src/base/contracts/metrics.js";
import { confusionMetrics } from "#src/metrics/class-metrics.js";
import { wilson95 } from "#src/metrics/intervals.js";
import { createImageChooser, limitsFor, offerSlab } from "#src/reports/html/choose-images.js";
import type { ReportedEvaluation, ReportInput } from "#src/reports/html/page-data.js";
import { seeded } from "./random.js";
import { rankingOf } from "./scores.js";

const SIDE = 8;
const INPUTS = SIDE * SIDE;

export interface MadeUp {
  readonly classes?: number;
  readonly total?: number;
  readonly classNames?: readonly string[];
  readonly networkName?: string;
  readonly datasetName?: string;
  readonly scored?: boolean;
}

/** About one image in six is a mistake. */
export function madeUpInput({
  classes = 10,
  total = 600,
  classNames,
  networkName = "made-up.npz",
  datasetName = "made-up",
  scored = true,
}: MadeUp = {}): ReportInput {
  const random = seeded(5);
  const labels = Uint8Array.from({ length: total }, (_, i) => i % classes);
  const predictions = Uint16Array.from(labels, (label) =>
    random() < 1 / 6 ? Math.floor(random() * classes) : label,
  );
  const probabilities = new Float64Array(total * classes);
  for (let i = 0; i < total; i++) {
    const confidence = 0.55 + 0.44 * random();
    probabilities.fill((1 - confidence) / (classes - 1), i * classes, (i + 1) * classes);
    probabilities[i * classes + predictions[i]!] = confidence;
  }
  const pixels = Uint8Array.from({ length: total * INPUTS }, () => Math.floor(random() * 256));
  const chooser = createImageChooser(classes, limitsFor(classes, INPUTS));
  offerSlab(chooser, {
    firstImage: 0,
    count: total,
    inputs: INPUTS,
    pixels,
    labels,
    predictions,
    probabilities,
    ranking: rankingOf(probabilities, classes),
  });
  const confusionMatrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [i, label] of labels.entries()) confusionMatrix[label]![predictions[i]!]!++;
  return {
    evaluation: {
      assumptions: [],
      dataset: {
        name: datasetName,
        split: "test",
        sha256: "1".repeat(64),
        total,
        offset: 0,
        classNames: classNames ?? null,
        view: AS_STORED,
      },
      network: {
        name: networkName,
        sha256: "0".repeat(64),
        layers: [INPUTS, classes],
        activations: ["identity"],
        preprocessing: { kind: "scale" },
      },
      run: {
        engine: "ml-matrix",
        executor: "local",
        threads: 2,
        workersStarted: 2,
        batchesByThread: [0, 3, 3],
        batchSize: 100,
        batches: 6,
        retries: 0,
        recomputed: 0,
        normalize: "scale",
        node: "v20.20.2",
        cpu: "made up",
      },
      timing: {
        totalMs: 100,
        loadMs: 20,
        startPoolMs: 30,
        evaluateMs: 50,
        imagesPerSecond: 12_000,
        batchLatencyMs: { p50: 1.5, p90: 20, p99: 40 },
      },
      result: resultOf(confusionMatrix, scored),
      timeline: Array.from({ length: 6 }, (_, batch) => ({
        batch,
        thread: 1 + (batch % 2),
        startMs: 10 * batch,
        elapsedMs: batch < 2 ? 40 : 1.5,
      })),
    },
    shape: { rows: SIDE, columns: SIDE, channels: 1 },
    chosen: chooser.chosen(),
  };
}

function resultOf(rows: number[][], scored: boolean): ReportedEvaluation["result"] {
  const metrics = confusionMetrics(Uint32Array.from(rows.flat()), rows.length);
  const correct = rows.reduce((total, row, label) => total + row[label]!, 0);
  const total = rows.flat().reduce((a, b) => a + b, 0);
  const { f1 } = metrics.averages.macro;
  return {
    labelled: true,
    accuracy: correct / total,
    correct,
    total,
    complete: true,
    confidenceInterval95: wilson95(correct, total),
    confusionMatrix: rows,
    ...metrics,
    macroF1Interval95: { low: f1 - 0.02, high: f1 + 0.02, resamples: 1000, seed: 1 },
    scores: scored ? MADE_UP_SCORES : null,
  };
}

const MADE_UP_SCORES: ScoreMetrics = {
  logLoss: 0.5,
  brierScore: 0.25,
  expectedCalibrationError: 0.05,
  reliability: Array.from({ length: 15 }, (_, n) => ({
    from: n / 15,
    to: (n + 1) / 15,
    total: n < 8 ? 0 : 10 * n,
    accuracy: n < 8 ? null : n / 15,
    meanConfidence: n < 8 ? null : (n + 0.5) / 15,
  })),
  topK: { k: 2, correct: 600, accuracy: 1 },
};

/** The content of one of a report's data blocks. */
export function blockOf(html: string, id: string): string {
  const start = html.indexOf(">", html.indexOf(`id="${id}"`)) + 1;
  return html.slice(start, html.indexOf("</script>", start));
}
