/** An ONNX model as it is run whole, whatever its operators: known by its two ends alone. */
import type { Assumption } from "./assumption.js";
import type { Preprocessing } from "./preprocessing.js";

export const MODEL_INPUT_TYPES = ["float32", "float64", "float16", "uint8"] as const;
export type ModelInputType = (typeof MODEL_INPUT_TYPES)[number];

export interface ModelInput {
  readonly name: string;
  readonly type: ModelInputType;
  /** Of one image: (pixels), (rows, columns), (1, rows, columns) or (rows, columns, 1); in memory these are the same. */
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
