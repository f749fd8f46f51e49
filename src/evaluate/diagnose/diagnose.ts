/** Diagnosis: tries the possible readings of a network on a sample of images, and recommends the best. */

import { interruption } from "#src/base/abort.js";
import { checkedKeys, FUNCTION, type KindsOf, without } from "#src/base/arguments.js";
import { type Dataset, hashFields } from "#src/base/contracts/dataset.js";
import type { Diagnosis, ScoredCandidate } from "#src/base/contracts/diagnosis.js";
import type { OnnxModel } from "#src/base/contracts/engine.js";
import type { Network } from "#src/base/contracts/network.js";
import { DatasetError, UsageError } from "#src/base/errors.js";
import { DOWNLOAD } from "#src/base/known-arguments.js";
import { rowsOf } from "#src/base/options/table.js";
import { checkedValue, kindsOf } from "#src/base/options/values.js";
import { DATASET_NAMES } from "#src/data/named-sets.js";
import { readDataset } from "#src/data/registry.js";
import { networkLoader, pairOf } from "#src/evaluate/open-inputs.js";
import { type EvaluateInput, type EvaluateOptions, resolveOptions } from "#src/evaluate/options.js";
import type { DownloadNotice, DownloadOptions } from "#src/files/catalog.js";
import { pathKind } from "#src/files/read-file.js";
import { wilson95 } from "#src/metrics/intervals.js";
import { layerSizes, productsOfLayer } from "#src/networks/chain.js";
import {
  chanceOf,
  correctOf,
  createForward,
  drawSamples,
  firstOf,
  isClear,
  isWithin,
  type Known,
  labelOffsetsOf,
  optionsFor,
  picturesOf,
  readingsOf,
  type Sample,
  type Stated,
  scoreOf,
  type Trial,
} from "./trials.js";

/** Number of images of the first look, for slow networks. */
const FIRST_LOOK_IMAGES = 100;
/** Number of trials that a slow network runs on the whole sample. */
const FULL_LOOKS = 8;
/** A network is slow if all trials need more multiplications and additions than this: some seconds of ml-matrix. */
const MOST_PRODUCTS = 1e10;

/** Hooks to observe and to stop a diagnosis. */
export interface DiagnoseHooks {
  /** Aborting ends the diagnosis with a RunError. */
  readonly signal?: AbortSignal;
  /** Called before a named data set or network is downloaded. */
  onDownload?(notice: DownloadNotice): void;
  /** Called after each forward pass over the sample. `done` is the number of passes so far. */
  onTried?(done: number): void;
}

const HOOKS: KindsOf<DiagnoseHooks> = { ...without(DOWNLOAD, "log"), onTried: FUNCTION };

/**
 * Tries the network on a seeded sample of labelled images from the whole set. The candidates are all combinations of
 * preprocessing, activation, change of the pictures and change of the labels. Facts that the file or an option states stay fixed.
 *
 * @throws UsageError, FileError, DatasetError, NetworkError, TransferError, RunError as `evaluate`
 * @throws RunError ERR_INTERRUPTED, ERR_TERMINATED if the signal is aborted
 */
export async function diagnose(input: DiagnoseInput = {}, hooks: DiagnoseHooks = {}): Promise<Diagnosis> {
  return runDiagnosis(
    checkedKeys("diagnose", "option", input, DIAGNOSE),
    checkedKeys("diagnose", "hook", hooks, HOOKS),
  );
}

/** `diagnose` for checked arguments. The input may have keys of other calls. */
export async function runDiagnosis(input: DiagnoseInput, hooks: DiagnoseHooks): Promise<Diagnosis> {
  const { signal = new AbortController().signal, onDownload, onTried } = hooks;
  const { options, images, seed, stated } = resolveDiagnosis(input);
  const download = { signal, ...(onDownload && { onDownload }) };
  const { dataset, network: given } = await openInput(options, input.split === undefined, download);
  if (dataset.facts.labelsPath === undefined) {
    throw new UsageError("ERR_USAGE", {
      problem: `diagnose needs labels, and "${dataset.facts.name}" has none`,
    });
  }
  // Throws the same errors as `evaluate` if data and network do not match.
  const { classes, network } = await pairOf(dataset, given, options);
  const { sample, others, own } = await drawSamples(dataset, images, seed, signal);
  const known: Known = { ...stated, network, own, shape: dataset.facts.shape };
  const trials = picturesOf(known).flatMap((pictures) =>
    readingsOf(known, pictures).map((reading): Trial => ({ ...reading, pictures })),
  );
  const offsets = labelOffsetsOf(known).filter((offset) => isWithin(sample.labels, offset, classes));
  const forward = createForward(network, options.engine, dataset.facts.shape);
  const comparisons = trials.length * offsets.length;
  let done = 0;

  async function score(tried: Sample, trial: Trial): Promise<ScoredCandidate[]> {
    if (signal.aborted) throw interruption(signal, done, trials.length);
    const predictions = await forward(tried.pixels, trial);
    onTried?.(++done);
    return offsets.map((offset) => scoreOf(trial, predictions, tried.labels, offset, comparisons));
  }

  const looksFirst = images > FIRST_LOOK_IMAGES && isSlow(network, trials.length, sample.labels.length);
  const scored = await (looksFirst ? scoreBest : scoreAll)(trials, sample, score);
  const candidates = scored.toSorted((a, b) => b.total - a.total || b.correct - a.correct);
  const chance = chanceOf(sample.labels, classes);
  const [first] = candidates;
  const best = first !== undefined && first.interval[0] > chance ? first : null;
  return {
    schemaVersion: 1,
    dataset: {
      name: dataset.facts.name,
      split: dataset.facts.split,
      ...hashFields(dataset.facts, await dataset.sha256()),
      total: dataset.facts.total,
    },
    network: { name: network.name, sha256: network.sha256, layers: layerSizes(network) },
    seed,
    images: sample.labels.length,
    chance,
    candidates,
    best,
    isClear: best !== null && isClear(candidates),
    again: best && (await tryAgain(best)),
    options: best && optionsFor(best, known),
  };

  async function tryAgain({ view, ...reading }: ScoredCandidate): Promise<Diagnosis["again"]> {
    const predictions = await forward(others.pixels, { ...reading, pictures: view });
    const correct = correctOf(predictions, others.labels, view.labelOffset);
    const total = others.labels.length;
    return { correct, total, accuracy: correct / total, confidenceInterval95: wilson95(correct, total) };
  }
}

/** Whether the network is slow. It does not depend on the machine, so the same seed gives the same table. */
function isSlow(network: Network | OnnxModel, trials: number, images: number): boolean {
  if (!("layers" in network)) return true;
  const products = network.layers.reduce((sum, layer) => sum + productsOfLayer(layer), 0);
  return products * trials * images > MOST_PRODUCTS;
}

type Score = (sample: Sample, trial: Trial) => Promise<ScoredCandidate[]>;

async function scoreAll(trials: readonly Trial[], sample: Sample, score: Score): Promise<ScoredCandidate[]> {
  const scored: ScoredCandidate[] = [];
  for (const trial of trials) scored.push(...(await score(sample, trial)));
  return scored;
}

/** Scores for a slow network: all trials on a few images, then the best ones on the whole sample. */
async function scoreBest(trials: readonly Trial[], sample: Sample, score: Score): Promise<ScoredCandidate[]> {
  const glance = firstOf(sample, FIRST_LOOK_IMAGES);
  const looks: { readonly trial: Trial; readonly scored: readonly ScoredCandidate[] }[] = [];
  for (const trial of trials) looks.push({ trial, scored: await score(glance, trial) });
  const mostCorrect = (scored: readonly ScoredCandidate[]) =>
    Math.max(...scored.map(({ correct }) => correct));
  const ranked = looks.toSorted((a, b) => mostCorrect(b.scored) - mostCorrect(a.scored));
  const best = ranked.slice(0, FULL_LOOKS).map(({ trial }) => trial);
  const rest = ranked.slice(FULL_LOOKS).flatMap(({ scored }) => scored);
  return [...(await scoreAll(best, sample, score)), ...rest];
}

const DIAGNOSE_OPTIONS = rowsOf("diagnose");

/** Data and network as for `evaluate`. Options that are given stay fixed. */
export interface DiagnoseInput
  extends Pick<EvaluateInput, Exclude<keyof typeof DIAGNOSE_OPTIONS, "format" | "split" | "limit" | "seed">> {
  /** Default: the training split if there is one, because a test split should be used only once. */
  readonly split?: EvaluateInput["split"];
  /** Number of images of the sample. Default 1,000. */
  readonly limit?: EvaluateInput["limit"];
  /** Seed of the sample. Default 1. */
  readonly seed?: EvaluateInput["seed"];
}

export const DIAGNOSE: KindsOf<DiagnoseInput> = without(kindsOf(DIAGNOSE_OPTIONS), "format");

export interface DiagnosisPlan {
  readonly options: EvaluateOptions;
  /** Number of images of the sample. */
  readonly images: number;
  readonly seed: number;
  readonly stated: Stated;
}

/** @throws UsageError as `resolveOptions` */
export function resolveDiagnosis(input: DiagnoseInput): DiagnosisPlan {
  const { limit, seed, ...evaluated } = input;
  return {
    options: resolveOptions({ ...evaluated, threads: 0 }, 1),
    images: checkedValue(DIAGNOSE_OPTIONS.limit, limit ?? DIAGNOSE_OPTIONS.limit.default),
    seed: checkedValue(DIAGNOSE_OPTIONS.seed, seed ?? DIAGNOSE_OPTIONS.seed.default),
    stated: {
      arePicturesStated: input.invert !== undefined || input.transpose !== undefined,
      areLabelsStated: input.labelOffset !== undefined,
    },
  };
}

/** @param prefersTrain whether to open the training split if there is one */
export async function openInput(
  options: EvaluateOptions,
  prefersTrain: boolean,
  download: DownloadOptions,
): Promise<{ readonly dataset: Dataset; readonly network: Network | OnnxModel }> {
  const load = await networkLoader(options.engine);
  const { weights } = options;
  const network = typeof weights === "string" ? await load(weights, { ...options, ...download }) : weights;
  return { dataset: await openData(options, prefersTrain, download), network };
}

async function openData(
  options: EvaluateOptions,
  prefersTrain: boolean,
  download: DownloadOptions,
): Promise<Dataset> {
  const { dataset } = options;
  if (typeof dataset !== "string") return dataset;
  const request = { ...options, ...download, dataset };
  if (!prefersTrain || !(await mayHaveHalves(dataset))) return readDataset(request);
  try {
    return await readDataset({ ...request, split: "train" });
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error;
    return readDataset(request);
  }
}

/** Whether the data set may have two splits. A single pair of files has only one. */
async function mayHaveHalves(dataset: string): Promise<boolean> {
  return (
    DATASET_NAMES.includes(dataset) || dataset.endsWith(".npz") || (await pathKind(dataset)) === "folder"
  );
}
