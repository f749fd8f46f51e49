/** One forward pass over a sample, and how right its predictions are. */

import { randomLcg } from "d3-random";
import type { AssumptionSubject } from "#src/base/assumptions.js";
import { AS_STORED, type Dataset, type DatasetView, type ImageShape } from "#src/base/contracts/dataset.js";
import type { Candidate, ScoredCandidate } from "#src/base/contracts/diagnosis.js";
import type {
  Activation,
  Engine,
  EngineName,
  Network,
  OnnxModel,
  Preprocessing,
  Standardizing,
} from "#src/base/contracts/network.js";
import { inTurn } from "#src/base/slab.js";
import { viewPixels } from "#src/data/view.js";
import { argmax } from "#src/engines/logits.js";
import { createEngine } from "#src/engines/registry.js";
import { wilsonAmong } from "#src/metrics/intervals.js";
import { layerSizes } from "#src/networks/chain.js";
import { engineSource } from "#src/networks/fold.js";
import { LevelCounts } from "#src/networks/preprocess.js";

/** A reading of the network together with a view of the pictures. */
export interface Trial extends Reading {
  readonly pictures: DatasetView;
}

/** The prediction of an image whose logits are no numbers: no label is equal to it. */
const NO_CLASS = 0xffff;

/** pixels (images × rows × columns) u8, as the set hands them out → predictions (images) u16. */
export type Forward = (pixels: Uint8Array, trial: Trial) => Promise<Uint16Array>;

/** Engines are kept, one for each reading. */
export function createForward(network: Network | OnnxModel, engine: EngineName, shape: ImageShape): Forward {
  const engines = new Map<string, Promise<Engine>>();
  const inputs = shape.rows * shape.columns;
  const outputs = layerSizes(network).at(-1) ?? 0;
  return async (pixels, { pictures, preprocessing, activation }) => {
    const reading = { preprocessing, activation };
    const key = JSON.stringify(reading);
    const opening = engines.get(key) ?? createEngine(engine, engineSource(readAs(network, reading)));
    engines.set(key, opening);
    const seen = pixels.slice();
    viewPixels(seen, shape, pictures);
    return predictionsOf(await opening, seen, pixels.length / inputs, outputs);
  };
}

function readAs(network: Network | OnnxModel, { preprocessing, activation }: Reading): Network | OnnxModel {
  if (!("layers" in network) || activation === null) return { ...network, preprocessing };
  const last = network.layers.length - 1;
  const layers = network.layers.map((layer, n) => (n === last ? layer : { ...layer, activation }));
  return { ...network, preprocessing, layers };
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

/** @param comparisons intervals that are to hold together */
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

/** Whether every label is a class with this offset. */
export function isWithin(labels: Uint8Array, offset: number, classes: number): boolean {
  return labels.every((label) => label + offset >= 0 && label + offset < classes);
}

/** The larger of 1 ÷ classes and the share of the most frequent label. */
export function chanceOf(labels: Uint8Array, classes: number): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(1 / classes, Math.max(...counts.values()) / labels.length);
}

/** Whether the first candidate's interval lies above those of all others. */
export function isClear([first, ...others]: readonly ScoredCandidate[]): boolean {
  return first !== undefined && others.every(({ interval }) => interval[1] < first.interval[0]);
}

/** Images and their labels, as the data set hands them out. */
export interface Sample {
  /** (images × rows × columns) u8, row-major. */
  readonly pixels: Uint8Array;
  /** (images) u8. */
  readonly labels: Uint8Array;
}

export interface Drawn {
  /** The images that candidates are tried on. */
  readonly sample: Sample;
  /** As many others, for the winner. */
  readonly others: Sample;
  /** Mean and standard deviation of the whole set's pixels; undefined if all pixels are equal. */
  readonly own: Standardizing | undefined;
}

/**
 * Draws two samples of `images` images at most, and half of the set at most: the set is cut into equal stretches, and each
 * gives one image, alternately to both. The same seed draws the same images.
 */
export async function drawSamples(
  dataset: Dataset,
  images: number,
  seed: number,
  signal: AbortSignal,
): Promise<Drawn> {
  const { shape, total } = dataset.facts;
  const inputs = shape.rows * shape.columns;
  const perSample = Math.max(1, Math.min(images, Math.floor(total / 2)));
  const picks = indicesOf(total, Math.min(total, 2 * perSample), seed);
  const sample = emptySample(perSample, inputs);
  const others = emptySample(perSample, inputs);
  const counts = new LevelCounts();
  let next = 0;
  const stream = dataset.slabs({ offset: 0, limit: total }, { multiple: 1, lanes: 1 });
  for await (const { firstImage, count, pixels, labels } of inTurn(stream)) {
    signal.throwIfAborted();
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

/** The first `images` of a sample. */
export function firstOf({ pixels, labels }: Sample, images: number): Sample {
  const inputs = pixels.length / labels.length;
  return { pixels: pixels.subarray(0, images * inputs), labels: labels.subarray(0, images) };
}

/** `count` indices below `total`, ascending, one from each of as many stretches. */
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

// The ways to read a network and its images that are worth a try, the likeliest first.

const ACTIVATIONS_TRIED: readonly Activation[] = ["relu", "sigmoid", "tanh"];
const PREPROCESSINGS_TRIED: readonly Preprocessing[] = [
  { kind: "scale" },
  // MNIST's training images, as PyTorch's examples have them (pytorch/examples, mnist/main.py).
  { kind: "standardize", mean: 0.1307, std: 0.3081 },
  // Pixels from −1 to 1.
  { kind: "standardize", mean: 0.5, std: 0.5 },
  { kind: "none" },
];
const PLACES = 1e4;

/** What options state about the images. */
export interface Stated {
  /** Whether an option states how pictures are changed. */
  readonly arePicturesStated: boolean;
  /** Whether an option states how labels are changed. */
  readonly areLabelsStated: boolean;
}

export interface Known extends Stated {
  readonly network: Network | OnnxModel;
  /** Mean and standard deviation of the set's own pixels. */
  readonly own: Standardizing | undefined;
  readonly shape: ImageShape;
}

/** One engine each: what is done to pixels, and the activation. */
export type Reading = Omit<Candidate, "view">;

/** The readings of the network's file for pictures of one view. Nothing is tried that the file or an option states. */
export function readingsOf({ network, own }: Known, { invert }: DatasetView): Reading[] {
  const open = openSubjects(network);
  const assumed = open.has("activation") && "layers" in network ? network.layers[0]!.activation : null;
  const activations = assumed === null ? [null] : distinct([assumed, ...ACTIVATIONS_TRIED]);
  const ownSeen = own === undefined ? [] : [typed(own, invert)];
  const preprocessings = open.has("pixels")
    ? distinct([network.preprocessing, ...PREPROCESSINGS_TRIED, ...ownSeen])
    : [network.preprocessing];
  return activations.flatMap((activation) =>
    preprocessings.map((preprocessing) => ({ preprocessing, activation })),
  );
}

/** What neither the file nor an option states. */
function openSubjects(network: Network | OnnxModel): ReadonlySet<AssumptionSubject> {
  const { unstated } =
    "layers" in network ? network : { unstated: network.assumptions.map(({ subject }) => subject) };
  return new Set(unstated);
}

/** The views of pictures, labels as they are. Only square pictures can be transposed for the same network. */
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

/** The options of `evaluate` that make a candidate's reading, beside those that name data and network. */
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

/** Four places, which a person can type. The mean of inverted pixels is 1 less the mean. */
function typed({ mean, std }: Standardizing, isInverted: boolean): Standardizing {
  const round = (value: number) => Math.round(value * PLACES) / PLACES;
  const seen = round(isInverted ? 1 - mean : mean);
  return { kind: "standardize", mean: seen, std: Math.max(round(std), 1 / PLACES) };
}

/** Each value once, in their order. */
function distinct<Value>(values: readonly Value[]): Value[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
