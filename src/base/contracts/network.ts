/** What a trained network is, whatever file it came from. */
import type { Assumption, AssumptionSubject } from "./assumption.js";
import type { Preprocessing } from "./preprocessing.js";

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
  /** Of every unit; `identity` in the last layer. */
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
