/** The ways to read a network and its images that are worth a try, the likeliest first. */
import type { AssumptionSubject } from "#src/base/contracts/assumption.js";
import { AS_STORED, type DatasetView, type ImageShape } from "#src/base/contracts/dataset.js";
import type { Candidate } from "#src/base/contracts/diagnosis.js";
import type { Activation, Network } from "#src/base/contracts/network.js";
import type { OnnxModel } from "#src/base/contracts/onnx-model.js";
import type { Preprocessing, Standardizing } from "#src/base/contracts/preprocessing.js";

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
  const assumed = open.has("activation") && "layers" in network ? network.layers[0].activation : null;
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
