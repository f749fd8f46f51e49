/** Opens predictions and the labels that judge them, and finds each image's row. */

import { basename } from "node:path";
import { type KindsOf, required, TEXT } from "#src/base/arguments.js";
import type { Assumption } from "#src/base/assumptions.js";
import { AS_STORED, type Dataset, type DatasetFacts } from "#src/base/contracts/dataset.js";
import { DatasetError, UsageError } from "#src/base/errors.js";
import type { Given } from "#src/base/options/define.js";
import { DATA_OPTIONS } from "#src/base/options/images.js";
import { NETWORK_OPTIONS } from "#src/base/options/network.js";
import { JUDGE_OPTIONS, SCORE_OPTIONS } from "#src/base/options/run.js";
import { checkedValue, kindsOf } from "#src/base/options/values.js";
import { inTurn } from "#src/base/slab.js";
import { assertClassCount, readClassNames, withClassNames } from "#src/data/labels.js";
import { readDataset } from "#src/data/registry.js";
import { memoryDataset } from "#src/data/stream/slab-reader.js";
import { viewedDataset } from "#src/data/view.js";
import type { DownloadOptions } from "#src/files/catalog.js";
import { type AlignedAnswers, kindOfValues, rowsOfImages } from "./align.js";
import type { Answers } from "./answers.js";
import { readAnswers } from "./read.js";

const { offset: _, limit: __, ...IMAGES } = DATA_OPTIONS;
const { strict, offline } = NETWORK_OPTIONS;
const { topK, bootstrap, seed } = SCORE_OPTIONS;
const ROWS = { ...IMAGES, strict, offline, topK, bootstrap, seed, ...JUDGE_OPTIONS };

/**
 * Input of `score`. Labels come from `dataset`, from the file `labels`, or from a column `actual` of the predictions.
 * Numbers may be strings, as on a command line.
 */
export interface ScoreInput
  extends Omit<Given<typeof DATA_OPTIONS>, "labels" | "dataset" | "offset" | "limit">,
    Pick<Given<typeof NETWORK_OPTIONS>, "strict" | "offline">,
    Pick<Given<typeof SCORE_OPTIONS>, "topK" | "bootstrap" | "seed">,
    Given<typeof JUDGE_OPTIONS> {
  /** File of the predictions: CSV, NDJSON or .npy; classes, probabilities or logits. */
  readonly predictions: string;
  /** What `openDataset` opens, or an open data set. Its labels are the truth, and its images are those of a report. */
  readonly dataset?: string | Dataset | undefined;
  /** File of labels: IDX, .npy, CSV or NDJSON. With `dataset` the label file of an image file. */
  readonly labels?: string | undefined;
}

/** Which JavaScript values `score` takes. */
export const SCORE_KINDS: KindsOf<ScoreInput> = {
  ...kindsOf(ROWS),
  labels: TEXT,
  predictions: required(TEXT),
};

export interface OpenedAnswers extends AlignedAnswers {
  readonly dataset: Dataset;
  /** Whether `dataset` is what the option of this name opened; otherwise it has labels alone. */
  readonly hasImages: boolean;
  readonly assumptions: readonly Assumption[];
}

/** Labels are bytes in memory. */
const LABEL_VALUES = 256;

/** A set of labels without pixels: its images are known by their places alone. */
interface LabelSet {
  readonly dataset: Dataset;
  readonly path: string;
  readonly ids: readonly string[] | undefined;
}

/** @throws all that `score` throws for its files */
export async function openAnswers(
  input: ScoreInput,
  hooks: Omit<DownloadOptions, "offline">,
): Promise<OpenedAnswers> {
  const { signal } = hooks;
  const given = input.classes === undefined ? undefined : await readClassNames(input.classes);
  const named = input.dataset === undefined ? undefined : await openImages(input, input.dataset, hooks);
  const classNames = given ?? named?.facts.classNames;
  const answers = await readAnswers(input.predictions, { purpose: "predictions", classNames, signal });
  const labels = named === undefined ? await openLabels(input, answers, classNames, signal) : labelsOf(named);
  const { dataset } = labels;
  const { total } = dataset.facts;
  const order = rowsOfImages(answers, { ...labels, total });
  const { values } = answers;
  const stated = input.values === undefined ? undefined : checkedValue(JUDGE_OPTIONS.values, input.values);
  const decided = values && kindOfValues(answers, values, stated, basename(answers.path));
  const classes = values?.classes ?? classNames?.length ?? (await classesOf(answers, dataset));
  if (given !== undefined) assertClassCount(given, classes, { file: input.classes });
  return {
    answers,
    order,
    classes,
    kind: decided?.kind,
    dataset: withClassNames(dataset, classes, input.classes),
    hasImages: named !== undefined,
    assumptions: [...(dataset.facts.assumptions ?? []), ...(decided?.assumptions ?? [])],
  };
}

function viewOf({ invert = false, transpose = false, grayscale = false, labelOffset }: ScoreInput) {
  const row = DATA_OPTIONS.labelOffset;
  return { invert, transpose, grayscale, labelOffset: checkedValue(row, labelOffset ?? row.default) };
}

async function openImages(
  input: ScoreInput,
  named: string | Dataset,
  hooks: Omit<DownloadOptions, "offline">,
): Promise<Dataset> {
  const view = viewOf(input);
  const { split } = DATA_OPTIONS;
  const dataset =
    typeof named === "string"
      ? await readDataset({
          ...input,
          ...view,
          ...hooks,
          dataset: named,
          split: checkedValue(split, input.split ?? split.default),
        })
      : viewedDataset(named, view);
  if (dataset.facts.labelsPath !== undefined) return dataset;
  throw new UsageError("ERR_USAGE", { problem: `score needs labels, and "${dataset.facts.name}" has none` });
}

function labelsOf(dataset: Dataset): LabelSet {
  return { dataset, path: dataset.facts.labelsPath ?? dataset.facts.name, ids: undefined };
}

/** Labels from their own file, or from the column of the predictions. */
async function openLabels(
  input: ScoreInput,
  answers: Answers,
  classNames: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): Promise<LabelSet> {
  const source =
    input.labels === undefined
      ? answers
      : await readAnswers(input.labels, { purpose: "labels", classNames, signal });
  const { path, sha256, labels, ids } = source;
  if (labels === undefined) {
    const problem = `${path} has no column actual: give the labels with --labels FILE, or their set with --dataset`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  const beyond = labels.findIndex((label) => label >= LABEL_VALUES);
  if (beyond >= 0) {
    const facts = { path, index: beyond, label: labels[beyond] ?? 0, classes: LABEL_VALUES };
    throw new DatasetError("ERR_LABEL_RANGE", facts);
  }
  const facts: DatasetFacts = {
    name: basename(path),
    split: "test",
    shape: { rows: 0, columns: 0, channels: 1 },
    total: labels.length,
    labelsPath: path,
    classNames,
    view: AS_STORED,
  };
  const stored = memoryDataset({ facts, sha256, pixels: new Uint8Array(), labels: Uint8Array.from(labels) });
  const { labelOffset } = viewOf(input);
  // Labels of the predictions' own file are numbered as its predictions are.
  return { dataset: viewedDataset(stored, { ...AS_STORED, labelOffset }), path, ids };
}

/** Number of classes that occur, where neither columns nor names state it: it only decides how many rows the matrix has. */
async function classesOf({ predictions = new Uint16Array() }: Answers, dataset: Dataset): Promise<number> {
  let most = 0;
  const range = { offset: 0, limit: dataset.facts.total };
  for await (const { labels } of inTurn(dataset.slabs(range, { multiple: 1, lanes: 1 }))) {
    for (const label of labels) if (label > most) most = label;
  }
  for (const prediction of predictions) if (prediction > most) most = prediction;
  return most + 1;
}
