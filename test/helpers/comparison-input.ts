/** Two networks' answers, made up for the page of a comparison: images, predictions and counts that belong together. */

import type { Comparison } from "#src/base/contracts/comparison.js";
import type { Dataset } from "#src/base/contracts/dataset.js";
import { AS_STORED } from "#src/base/contracts/dataset.js";
import { emptyAnswers, type PairedAnswers, summarizeComparison } from "#src/evaluate/compare/summary.js";
import { renderComparisonPage } from "#src/reports/html/comparison.js";
import { ONE_BY_ONE } from "./all-of.js";
import { randomDataset, seeded } from "./random.js";

export interface MadeUpComparison {
  readonly classes?: number;
  readonly total?: number;
  /** Index of the first image compared. */
  readonly offset?: number;
  /** How often A, and how often B, guesses. */
  readonly guesses?: readonly [a: number, b: number];
  readonly classNames?: readonly string[];
  readonly names?: readonly [a: string, b: string];
  readonly datasetName?: string;
}

export interface ComparedData {
  readonly comparison: Comparison;
  readonly answers: PairedAnswers;
  readonly dataset: Dataset;
}

export async function madeUpComparison({
  classes = 10,
  total = 600,
  offset = 0,
  guesses: [a, b] = [1 / 4, 1 / 8],
  classNames,
  names = ["a.npz", "b.npz"],
  datasetName = "made-up",
}: MadeUpComparison = {}): Promise<ComparedData> {
  const dataset = randomDataset(offset + total, { classes, slabImages: 250 });
  const random = seeded(7);
  const answers = emptyAnswers(total);
  for await (const { firstImage, labels } of dataset.slabs({ offset, limit: total }, ONE_BY_ONE)) {
    for (const [i, label] of labels.entries()) {
      const place = firstImage + i - offset;
      answers.labels[place] = label;
      for (const [side, share] of [a, b].entries()) {
        answers.predictions[side]![place] = random() < share ? Math.floor(random() * classes) : label;
      }
    }
  }
  const side = (name: string) => ({
    name,
    sha256: "0".repeat(64),
    layers: [64, classes],
    activations: null,
    preprocessing: null,
    location: {
      weights: `/nowhere/${name}`,
      activation: null,
      architecture: null,
      normalize: null,
      mean: null,
      std: null,
    },
    resultPath: null,
  });
  const comparison: Comparison = {
    schemaVersion: 1,
    assumptions: [],
    dataset: {
      name: datasetName,
      split: "test",
      sha256: await dataset.sha256(),
      total: dataset.facts.total,
      offset,
      classNames: classNames ?? null,
      view: AS_STORED,
      location: { dataset: "/nowhere/data", labels: null, classes: null },
    },
    a: side(names[0]),
    b: side(names[1]),
    run: {
      ...{ engine: "ml-matrix", threads: 2, workersStarted: 2, batchSize: 100, retries: 0 },
      recomputed: 0,
      fallbacks: { a: null, b: null },
    },
    result: summarizeComparison(answers, classes, offset),
    timing: { totalMs: 100, evaluateMs: 50 },
  };
  return { comparison, answers, dataset };
}

export function pageOf({ comparison, answers, dataset }: ComparedData): Promise<string> {
  return renderComparisonPage(comparison, answers, dataset);
}
