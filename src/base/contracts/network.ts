/** What a trained network is, whatever file it came from. */

import type { Assumption, AssumptionSubject } from "#src/base/assumptions.js";

export const ACTIVATIONS = ["sigmoid", "relu", "tanh", "identity"] as const;
/** What a layer puts its sums through: σ(x) = 1 ÷ (1 + e⁻ˣ), max(x, 0), tanh x, or x itself. */
export type Activation = (typeof ACTIVATIONS)[number];

/** y (outputs) = activation(x (inputs) · weights (inputs × outputs, row-major) + biases (outputs)); float64. */
export interface Layer {
  /** Numbers that it reads of an image: pixels in the first layer, else the outputs of the layer before. */
  readonly inputs: number;
  /** Numbers that it gives for an image: its units; in the last layer, the classes. */
  readonly outputs: number;
  /** (inputs × outputs) f64, row-major. */
  readonly weights: Float64Array;
  /** (outputs) f64. */
  readonly biases: Float64Array;
  /** Activation of every unit; `identity` in the last layer. */
  readonly activation: Activation;
}

/** Dense layers, each of whose outputs are the next one's inputs, and how pixels reach the first. */
export interface Network {
  /** The file's or folder's name, or the name of a bundled network. */
  readonly name: string;
  /** SHA-256, hex, of the file as it stands on disk; of a folder's files in the order of their names. */
  readonly sha256: string;
  /** At least one; the last has activation `identity`: its outputs are the logits. */
  readonly layers: readonly Layer[];
  /** What the pixels, bytes 0 to 255, go through before the first layer. */
  readonly preprocessing: Preprocessing;
  /** What neither the file nor an option states. Default: nothing, as in a network that a program made. */
  readonly assumptions?: readonly Assumption[] | undefined;
  /** What an option could still state. Default: nothing. */
  readonly unstated?: readonly AssumptionSubject[] | undefined;
}

/** What was done to the bytes 0..255 before the first layer saw them, as a recipe that stands beside the weights. */

export const NORMALIZATIONS = ["scale", "none", "standardize", "whiten-zca", "whiten-pca"] as const;
/** The kinds of `Preprocessing`. */
export type Normalization = (typeof NORMALIZATIONS)[number];

/** Those whose numbers are fitted to a training split. */
export const FITTED_NORMALIZATIONS = ["standardize", "whiten-zca", "whiten-pca"] as const;
export type FittedNormalization = (typeof FITTED_NORMALIZATIONS)[number];
export type WhiteningKind = Exclude<FittedNormalization, "standardize">;

/** x' = (x ÷ 255 − mean) ÷ std, as the training had it; mostly the mean and the standard deviation of its pixels. */
export interface Standardizing {
  /** As `--normalize` has it. */
  readonly kind: "standardize";
  /** Mean of pixels ÷ 255, −10 to 10. */
  readonly mean: number;
  /** Standard deviation of pixels ÷ 255, 10⁻⁹ to 10. */
  readonly std: number;
}

/**
 * x' = (x ÷ 255 − μ) · A with A = U (Λ + εI)^−½ Uᵀ for ZCA and U (Λ + εI)^−½ for PCA, where U Λ Uᵀ is the covariance
 * (1/N) of the training split's pixels ÷ 255. A and μ are in the first layer already, which reads bytes as they are.
 */
export interface Whitening {
  /** Whether A turns back into pixels (ZCA) or ends in the directions of variance (PCA). */
  readonly kind: WhiteningKind;
  /** ε, 10⁻⁶ to 1,000. */
  readonly epsilon: number;
  /** Always: weights that still want whitened inputs are no network that can be loaded. */
  readonly folded: true;
}

/** What the network's training images had gone through; of the evaluated ones the same is done, within the first layer. */
export type Preprocessing =
  | {
      /** The bytes as they are. */
      readonly kind: "none";
    }
  | {
      /** x' = x ÷ 255. */
      readonly kind: "scale";
    }
  | Standardizing
  | Whitening;

/** An array of numbers together with its shape. */

export interface Tensor<T extends ArrayLike<number>> {
  /** Row-major: the last dimension varies fastest. */
  readonly data: T;
  /** Its product is `data.length`. */
  readonly shape: readonly number[];
}

// An ONNX model as it is run whole, whatever its operators: known by its two ends alone.

export const MODEL_INPUT_TYPES = ["float32", "float64", "float16", "uint8"] as const;
export type ModelInputType = (typeof MODEL_INPUT_TYPES)[number];

export interface ModelInput {
  readonly name: string;
  readonly type: ModelInputType;
  /** Shape of one image: (pixels), (rows, columns), (1, rows, columns) or (rows, columns, 1); in memory these are the same. */
  readonly shape: readonly number[];
  /** Images of each run, or undefined where there may be any number. */
  readonly batch: number | undefined;
}

export const OUTPUT_KINDS = ["logits", "softmax", "log-softmax", "sigmoid"] as const;
/** What a model ends with: the logits z themselves, softmax(z), ln softmax(z), or σ(z), one class at a time. */
export type OutputKind = (typeof OUTPUT_KINDS)[number];

export interface ModelOutput {
  /** The tensor that is fetched: the logits, wherever the graph has them. */
  readonly name: string;
  readonly classes: number;
  /** What the model ends with, and so how its probabilities come of its logits. */
  readonly kind: OutputKind;
  /** What the tensor `name` holds: `logits`, or `kind` where the graph does not show what it computes that from. */
  readonly holds: OutputKind;
}

export interface OnnxModel {
  readonly name: string;
  /** SHA-256, hex, of the file. */
  readonly sha256: string;
  /** What bytes go through before the model sees them, or within it. */
  readonly preprocessing: Preprocessing;
  /** Whether the graph itself does the preprocessing, and so reads bytes. Default false. */
  readonly isWithin?: boolean;
  /** What neither the file nor an option states. */
  readonly assumptions: readonly Assumption[];
  readonly input: ModelInput;
  readonly output: ModelOutput;
  /** The file, in shared memory; the tensor `output.name` is made one of its outputs. */
  readonly bytes: Uint8Array;
}

// The forward pass.

export const ENGINES = ["ml-matrix", "simd", "onnx", "reference"] as const;
/** `ml-matrix` computes in float64; `simd` predicts the same, faster; `onnx` is onnxruntime-node; `reference` is the plain loop. */
export type EngineName = (typeof ENGINES)[number];

/** Layers with the preprocessing folded into the first, which therefore reads bytes. */
export type FoldedLayers = readonly Layer[];

/** What an engine computes: layers, as all of them can, or a whole model, as only `onnx` can. */
export type EngineSource = FoldedLayers | OnnxModel;

/** Not thread-safe: one per worker. */
export interface Engine {
  readonly name: EngineName;
  /** What the model ends with: tells how probabilities come of the logits. Softmax, unless it is `sigmoid`. */
  readonly ends?: OutputKind;
  /** pixels (count × inputs) u8 → logits (count × outputs) f64; both row-major, same order. Logits can be ±∞ or NaN. */
  forward(pixels: Uint8Array, count: number, logits: Float64Array): void | Promise<void>;
  /**
   * Where an engine knows the classes without all logits: pixels as above → predictions (count) u16, equal to the argmax
   * of `reference`'s logits. Answers how many images it computed again to be certain.
   *
   * @throws NanLogitError where a logit is NaN
   */
  predict?(pixels: Uint8Array, count: number, predictions: Uint16Array): number;
}
