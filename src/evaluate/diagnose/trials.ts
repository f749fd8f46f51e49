/** Trials of a diagnosis: candidates, samples, forward passes and scores. */

import { randomLcg } from "d3-random";
import { interruption } from "#src/base/abort.js";
import type { AssumptionSubject } from "#src/base/assumptions.js";
import {
  AS_STORED,
  type Dataset,
  type DatasetView,
  type ImageShape,
  imageBytes,
} from "#src/base/contracts/dataset.js";
import type { Candidate, ScoredCandidate } from "#src/base/contracts/diagnosis.js";
import type { Engine, EngineName, OnnxModel } from "#src/base/contracts/engine.js";
import type { Activation, Network, Preprocessing } from "#src/base/contracts/network.js";
import { inTurn } from "#src/base/slab.js";
import { viewPixels } from "#src/data/view-pixels.js";
import { argmax } from "#src/engines/logits.js";
import { createEngine } from "#src/engines/registry.js";
import { wilsonAmong } from "#src/metrics/intervals.js";
import { layerSizes } from "#src/networks/chain.js";
import { engineSource } from "#src/networks/images.js";
import { type FittedStandardizing, LevelCounts } from "#src/networks/preprocess.js";

/** A reading of the network with a view of the pictures. */
export interface Trial extends Reading {
  readonly pictures: DatasetView;
}

/** Prediction of an image with a NaN logit. No label is equal to it. */
const NO_CLASS = 0xffff;

/** pixels (images × rows × columns × channels) u8, as in the data set → predictions (images) u16. */
export type Forward = (pixels: Uint8Array, trial: Trial) => Promise<Uint16Array>;

/** Creates a `Forward` that keeps one engine per reading. */
export function createForward(network: Network | OnnxModel, engine: EngineName, shape: ImageShape): Forward {
  const engines = new Map<string, Promise<Engine>>();
  const inputs = imageBytes(shape);
  const outputs = layerSizes(network).at(-1) ?? 0;
  return async (pixels, { pictures, preprocessing, activation }) => {
    const reading = { preprocessing, activation };
    const key = JSON.stringify(reading);
    const opening =
      engines.get(key) ??
      engineSource(readAs(network, reading)).then((source) => createEngine(engine, source));
    engines.set(key, opening);
    const seen = pixels.slice();
    viewPixels(seen, shape, pictures);
    return predictionsOf(await opening, seen, pixels.length / inputs, outputs);
  };
}

function readAs(network: Network | OnnxModel, { preprocessing, activation }: Reading): Network | OnnxModel {
  if (!("layers" in network) || activation === null) return { ...network, preprocessing };
  // Pools and the last layer have none, and activations that the file states stay.
  const assumed = assumedActivation(network);
  const layers = network.layers.map((layer) =>
    layer.activation === assumed ? { ...layer, activation } : layer,
  );
  return { ...network, preprocessing, layers };
}

/** Activation of the hidden layers, if it is an assumption: that of the first layer with one. */
function assumedActivation({ layers }: Network): Activation {
  return layers.find(({ activation }) => activation !== "identity")?.activation ?? "identity";
}

async function predictionsOf(
  engine: Engine,
  pixels: Uint8Array,
  count: number,
  outputs: number,
): Promise<Uint16Array> {
  const logits = new Float64Array(count * outputs);
  await engine.forward(pixels, count, logits);
  return Uint16Array.from({ length: count }, (_, n) => {
    const row = logits.subarray(n * outputs, (n + 1) * outputs);
    return row.some(Number.isNaN) ? NO_CLASS : argmax(row);
  });
}

/** @param comparisons number of intervals that must hold together */
export function scoreOf(
  { pictures, ...reading }: Trial,
  predictions: Uint16Array,
  labels: Uint8Array,
  labelOffset: number,
  comparisons: number,
): ScoredCandidate {
  const correct = correctOf(predictions, labels, labelOffset);
  const total = labels.length;
  const interval = wilsonAmong(correct, total, comparisons);
  return {
    ...reading,
    view: { ...pictures, labelOffset },
    correct,
    total,
    accuracy: correct / total,
    interval,
  };
}

export function correctOf(predictions: Uint16Array, labels: Uint8Array, labelOffset: number): number {
  return labels.reduce((sum, label, n) => sum + Number(predictions[n] === label + labelOffset), 0);
}

/** Whether each label plus `offset` is a class. */
export function isWithin(labels: Uint8Array, offset: number, classes: number): boolean {
  return labels.every((label) => label + offset >= 0 && label + offset < classes);
}

/** The larger of 1 ÷ classes and the share of the most frequent label. */
export function chanceOf(labels: Uint8Array, classes: number): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(1 / classes, Math.max(...counts.values()) / labels.length);
}

/** Whether the interval of the first candidate is above all other intervals. */
export function isClear([first, ...others]: readonly ScoredCandidate[]): boolean {
  return first !== undefined && others.every(({ interval }) => interval[1] < first.interval[0]);
}

/** Images and labels, as in the data set. */
export interface Sample {
  /** (images × rows × columns × channels) u8, row-major. */
  readonly pixels: Uint8Array;
  /** (images) u8. */
  readonly labels: Uint8Array;
}

export interface Drawn {
  /** Images for the trials. */
  readonly sample: Sample;
  /** The same number of other images, for the best candidate. */
  readonly others: Sample;
  /** Mean and standard deviation of the whole set's pixels; undefined if all pixels are equal. */
  readonly own: FittedStandardizing | undefined;
}

/**
 * Draws two samples, each of at most `images` images and at most half of the set. The set is divided into equal ranges.
 * Each range gives one image, in turn to the first and to the second sample. The same seed draws the same images.
 */
export async function drawSamples(
  dataset: Dataset,
  images: number,
  seed: number,
  signal: AbortSignal,
): Promise<Drawn> {
  const { shape, total } = dataset.facts;
  const inputs = imageBytes(shape);
  const perSample = Math.max(1, Math.min(images, Math.floor(total / 2)));
  const picks = indicesOf(total, Math.min(total, 2 * perSample), seed);
  const sample = emptySample(perSample, inputs);
  const others = emptySample(perSample, inputs);
  const counts = new LevelCounts();
  let next = 0;
  const stream = dataset.slabs({ offset: 0, limit: total }, { multiple: 1, lanes: 1 });
  for await (const { firstImage, count, pixels, labels } of inTurn(stream)) {
    if (signal.aborted) throw interruption(signal, 0, total);
    counts.add(pixels);
    for (; next < picks.length && picks[next]! < firstImage + count; next++) {
      const from = picks[next]! - firstImage;
      const { pixels: to, labels: toLabels } = next % 2 === 0 ? sample : others;
      const place = Math.floor(next / 2);
      to.set(pixels.subarray(from * inputs, (from + 1) * inputs), place * inputs);
      toLabels[place] = labels[from]!;
    }
  }
  return { sample, others: picks.length === 1 ? sample : others, own: counts.standardizingOrNone() };
}

/** The first `images` images of a sample. */
export function firstOf({ pixels, labels }: Sample, images: number): Sample {
  const inputs = pixels.length / labels.length;
  return { pixels: pixels.subarray(0, images * inputs), labels: labels.subarray(0, images) };
}

/** `count` ascending indices below `total`, one from each of `count` equal ranges. */
function indicesOf(total: number, count: number, seed: number): number[] {
  const random = randomLcg(seed);
  return Array.from({ length: count }, (_, n) => {
    const [start, end] = [Math.floor((n * total) / count), Math.floor(((n + 1) * total) / count)];
    return start + Math.floor(random() * (end - start));
  });
}

function emptySample(images: number, inputs: number): Sample {
  return { pixels: new Uint8Array(images * inputs), labels: new Uint8Array(images) };
}

/** Activations to try, the most likely first. */
const ACTIVATIONS_TRIED: readonly Activation[] = ["relu", "sigmoid", "tanh"];
/** Preprocessings to try, the most likely first. */
const PREPROCESSINGS_TRIED: readonly Preprocessing[] = [
  { kind: "scale" },
  // Statistics of MNIST's training images in PyTorch's examples (pytorch/examples, mnist/main.py).
  { kind: "standardize", mean: 0.1307, std: 0.3081 },
  // Pixels from −1 to 1.
  { kind: "standardize", mean: 0.5, std: 0.5 },
  { kind: "none" },
];
const PLACES = 1e4;

/** Facts about the images that options state. */
export interface Stated {
  /** Whether an option states a change of the pictures. */
  readonly arePicturesStated: boolean;
  /** Whether an option states a change of the labels. */
  readonly areLabelsStated: boolean;
}

export interface Known extends Stated {
  readonly network: Network | OnnxModel;
  /** Mean and standard deviation of the set's pixels ÷ 255; undefined if all pixels are equal. */
  readonly own: FittedStandardizing | undefined;
  readonly shape: ImageShape;
}

/** Preprocessing and activation of a candidate. Each reading needs one engine. */
export type Reading = Omit<Candidate, "view">;

/** Readings of the network for pictures in one view. Facts that the file or an option states stay fixed. */
export function readingsOf({ network, own }: Known, { invert }: DatasetView): Reading[] {
  const open = openSubjects(network);
  const assumed = open.has("activation") && "layers" in network ? assumedActivation(network) : null;
  const activations = assumed === null ? [null] : distinct([assumed, ...ACTIVATIONS_TRIED]);
  const ownSeen = own === undefined ? [] : [typed(own, invert)];
  const preprocessings = open.has("pixels")
    ? distinct([network.preprocessing, ...PREPROCESSINGS_TRIED, ...ownSeen])
    : [network.preprocessing];
  return activations.flatMap((activation) =>
    preprocessings.map((preprocessing) => ({ preprocessing, activation })),
  );
}

/** Subjects that neither the file nor an option states. */
function openSubjects(network: Network | OnnxModel): ReadonlySet<AssumptionSubject> {
  const { unstated } =
    "layers" in network ? network : { unstated: network.assumptions.map(({ subject }) => subject) };
  return new Set(unstated);
}

/** Views of the pictures, with unchanged labels. Only square pictures can be transposed for the same network. */
export function picturesOf({ arePicturesStated, shape }: Known): DatasetView[] {
  if (arePicturesStated) return [AS_STORED];
  const transposed = shape.rows === shape.columns ? [false, true] : [false];
  return transposed.flatMap((transpose) =>
    [false, true].map((invert) => ({ ...AS_STORED, invert, transpose })),
  );
}

export function labelOffsetsOf({ areLabelsStated }: Known): number[] {
  return areLabelsStated ? [0] : [0, -1, 1];
}

/** Options of `evaluate` for a candidate, without those that name data and network. */
export function optionsFor({ preprocessing, activation, view }: Candidate, { network }: Known): string[] {
  return [
    ...(activation === null ? [] : ["--activation", activation]),
    ...(openSubjects(network).has("pixels") ? preprocessingOptions(preprocessing) : []),
    ...(view.invert ? ["--invert"] : []),
    ...(view.transpose ? ["--transpose"] : []),
    ...(view.labelOffset === 0 ? [] : ["--label-offset", String(view.labelOffset)]),
  ];
}

function preprocessingOptions(preprocessing: Preprocessing): string[] {
  if (preprocessing.kind !== "standardize") return ["--normalize", preprocessing.kind];
  return ["--mean", String(preprocessing.mean), "--std", String(preprocessing.std)];
}

/** Statistics rounded to four decimals. The mean of inverted pixels is 1 − mean. */
function typed({ mean, std }: FittedStandardizing, isInverted: boolean): FittedStandardizing {
  const round = (value: number) => Math.round(value * PLACES) / PLACES;
  const seen = round(isInverted ? 1 - mean : mean);
  return { kind: "standardize", mean: seen, std: Math.max(round(std), 1 / PLACES) };
}

/** Distinct values, in order. */
function distinct<Value>(values: readonly Value[]): Value[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
