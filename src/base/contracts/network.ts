/** Contract of networks, independent of file formats. */

import type { Assumption, AssumptionSubject } from "#src/base/assumptions.js";

export const ACTIVATIONS = [
  "sigmoid",
  "relu",
  "tanh",
  "identity",
  "relu6",
  "leaky-relu",
  "prelu",
  "elu",
  "selu",
  "gelu",
  "gelu-tanh",
  "silu",
  "softplus",
  "softsign",
  "hard-sigmoid",
  "hard-tanh",
] as const;
/** Function applied to each of a layer's sums. `engines/activations.ts` has the formulas. */
export type Activation = (typeof ACTIVATIONS)[number];
/** One activation of all hidden layers, or one for each. */
export type Activations = Activation | readonly Activation[];

export const OUTPUT_KINDS = ["logits", "softmax", "log-softmax", "sigmoid", "scores"] as const;
/**
 * Last operation of a model on the logits z: none, softmax(z), ln softmax(z), or σ(z) per class. `scores` are numbers of which
 * the largest gives the class, but no probabilities: distances from a margin, as support vector machines have them.
 */
export type OutputKind = (typeof OUTPUT_KINDS)[number];

/** Size of a map: numbers at (row, column, channel), row-major, so that the channel varies fastest. */
export interface MapShape {
  /** Height. */
  readonly rows: number;
  /** Width. */
  readonly columns: number;
  /** Numbers at each place. */
  readonly channels: number;
}

/** The order in which a framework flattens a map: (channels, rows, columns) or (rows, columns, channels). */
export const MAP_ORDERS = ["channels-first", "channels-last"] as const;
export type MapOrder = (typeof MAP_ORDERS)[number];

/** Rows and columns of a kernel, a stride or a dilation. */
export type Pair = readonly [rows: number, columns: number];

/** Rows and columns added around a map. */
export interface Padding {
  /** Rows before the first. */
  readonly top: number;
  /** Columns before the first. */
  readonly left: number;
  /** Rows after the last. */
  readonly bottom: number;
  /** Columns after the last. */
  readonly right: number;
}

interface LayerBase {
  /** Numbers read per image: pixels in the first layer, otherwise the outputs of the layer before. */
  readonly inputs: number;
  /** Numbers computed per image: the units; in the last layer, the classes. */
  readonly outputs: number;
  /** Activation of every unit. */
  readonly activation: Activation;
  /**
   * Numbers of the activation: slopes of `leaky-relu` (1) and `prelu` (1, or one per channel); α of `elu`; α and β of
   * `hard-sigmoid`; the bounds of `hard-tanh`. Default: those of PyTorch.
   */
  readonly activationNumbers?: Float64Array | undefined;
  /** In the last layer: the file's last operation. Engines leave it out: they give logits. Default `logits`. */
  readonly ends?: OutputKind | undefined;
}

/** y (outputs) = activation(x (inputs) · weights (inputs × outputs, row-major) + biases (outputs)); float64. */
export interface DenseLayer extends LayerBase {
  /** Kind of the layer. */
  readonly kind: "dense";
  /** (inputs × outputs) f64, row-major. */
  readonly weights: Float64Array;
  /** (outputs) f64. */
  readonly biases: Float64Array;
}

/** A window that moves over a map. */
interface Windowed extends LayerBase {
  /** Its size is `inputs`. */
  readonly input: MapShape;
  /** Its size is `outputs`. */
  readonly output: MapShape;
  /** Size of the window. */
  readonly kernel: Pair;
  /** Distance between two windows. */
  readonly stride: Pair;
  /** Rows and columns around the input that windows read too. */
  readonly padding: Padding;
}

/**
 * y (r, c, o) = activation(Σ over kernel rows u, kernel columns v and channels i of
 * x (r · stride + u · dilation − padding, …, i) · weights (u, v, i, o) + biases (o)); float64. With groups, output channel o
 * reads only the channels of its group.
 */
export interface Conv2dLayer extends Windowed {
  /** Kind of the layer. */
  readonly kind: "conv2d";
  /** Distance between two elements of a window. */
  readonly dilation: Pair;
  /** Channels are divided into so many groups of equal size. */
  readonly groups: number;
  /** (kernel rows × kernel columns × input channels ÷ groups × output channels) f64, row-major. */
  readonly weights: Float64Array;
  /** (output channels) f64. */
  readonly biases: Float64Array;
  /** Value of the padding. It is not 0 if a shift of the input is folded into the layer. */
  readonly paddingValue: number;
}

/** The largest or the average of each window, per channel. */
export interface Pool2dLayer extends Windowed {
  /** Kind of the layer. */
  readonly kind: "max-pool" | "average-pool";
  /** Whether an average counts the zeros of the padding. */
  readonly countsPadding: boolean;
}

/** The activation alone. */
export interface ActivationLayer extends LayerBase {
  /** Kind of the layer. */
  readonly kind: "activation";
}

/** One step of a network. Its outputs are the inputs of the next layer, in the same order. */
export type Layer = DenseLayer | Conv2dLayer | Pool2dLayer | ActivationLayer;

/** A chain of layers and its preprocessing. The outputs of each layer are the inputs of the next. */
export interface Network {
  /** Name of the file or folder, or of a bundled network. */
  readonly name: string;
  /** SHA-256 in hex of the file's bytes, or of a folder's files in the order of their names; then of the architecture's file. */
  readonly sha256: string;
  /**
   * Rows and columns of one image, and its channels if there are several, if the file states them and not only their product.
   * Default: unknown.
   */
  readonly imageSizes?: readonly number[] | undefined;
  /** Order of a coloured image's bytes as the first layer reads them. Default: unknown. */
  readonly pixelOrder?: MapOrder | undefined;
  /** Order that is assumed for a list of pixels in colour if `pixelOrder` is unknown. Default: channels last. */
  readonly likelyPixelOrder?: MapOrder | undefined;
  /** At least one layer. The outputs of the last are the logits. */
  readonly layers: readonly Layer[];
  /** Names of the outputs, if the file states them: a data set's labels are matched by name. Default: output k is label k. */
  readonly classNames?: readonly string[] | undefined;
  /** Change of the pixels, bytes 0 to 255, before the first layer. */
  readonly preprocessing: Preprocessing;
  /** Assumptions about facts that neither the file nor an option states. Default: none. */
  readonly assumptions?: readonly Assumption[] | undefined;
  /** Facts that an option could still state. Default: none. */
  readonly unstated?: readonly AssumptionSubject[] | undefined;
}

export const NORMALIZATIONS = ["scale", "none", "standardize", "whiten-zca", "whiten-pca"] as const;
/** The kinds of `Preprocessing`. */
export type Normalization = (typeof NORMALIZATIONS)[number];

/** Kinds whose numbers are fitted to a training split. */
export const FITTED_NORMALIZATIONS = ["standardize", "whiten-zca", "whiten-pca"] as const;
export type FittedNormalization = (typeof FITTED_NORMALIZATIONS)[number];
export type WhiteningKind = Exclude<FittedNormalization, "standardize">;

/** x' = (x ÷ 255 − mean) ÷ std, as in the training; usually with the mean and standard deviation of its pixels. */
export interface Standardizing {
  /** Value of `--normalize`. */
  readonly kind: "standardize";
  /** Mean of pixels ÷ 255, −10 to 10; one number, or one for each channel. */
  readonly mean: PerChannel;
  /** Standard deviation of pixels ÷ 255, 10⁻⁹ to 10; one number, or one for each channel. */
  readonly std: PerChannel;
}

/** One number for all channels, or one for each. */
export type PerChannel = number | readonly number[];

/**
 * x' = (x ÷ 255 − μ) · A with A = U (Λ + εI)^−½ Uᵀ for ZCA and U (Λ + εI)^−½ for PCA, where U Λ Uᵀ is the covariance
 * (1/N) of the training split's pixels ÷ 255. A and μ are already folded into the first layer, which reads raw bytes.
 */
export interface Whitening {
  /** Basis of the whitened inputs: pixels (ZCA) or directions of variance (PCA). */
  readonly kind: WhiteningKind;
  /** ε, 10⁻⁶ to 1,000. */
  readonly epsilon: number;
  /** Always true: weights that need whitened inputs cannot be loaded. */
  readonly folded: true;
}

/** Preprocessing of the training images. The first layer applies the same to evaluated images. */
export type Preprocessing =
  | {
      /** Raw bytes. */
      readonly kind: "none";
    }
  | {
      /** x' = x ÷ 255. */
      readonly kind: "scale";
    }
  | Standardizing
  | Whitening;

/** An array of numbers with its shape. */
export interface Tensor<T extends ArrayLike<number>> {
  /** Row-major: the last dimension varies fastest. */
  readonly data: T;
  /** Dimensions; their product is `data.length`. */
  readonly shape: readonly number[];
}
