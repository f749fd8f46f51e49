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

export interface ModelOutput {
  readonly name: string;
  readonly classes: number;
}

export interface OnnxModel {
  readonly name: string;
  /** SHA-256, hex, of the file. */
  readonly sha256: string;
  /** What bytes go through before the model sees them. */
  readonly preprocessing: Preprocessing;
  /** What neither the file nor an option states. */
  readonly assumptions: readonly Assumption[];
  readonly input: ModelInput;
  readonly output: ModelOutput;
  /** The file, in shared memory. */
  readonly bytes: Uint8Array;
}
