/** Contracts of engines, and of ONNX models that one of them runs whole. */

import type { Assumption } from "#src/base/assumptions.js";
import type { Layer, MapOrder, OutputKind, Preprocessing } from "./network.js";

export const MODEL_INPUT_TYPES = ["float32", "float64", "float16", "uint8"] as const;
export type ModelInputType = (typeof MODEL_INPUT_TYPES)[number];

/** Input of an ONNX model. */
export interface ModelInput {
  readonly name: string;
  readonly type: ModelInputType;
  /**
   * Shape of one image: (pixels), (rows, columns), (1, rows, columns) or (rows, columns, 1), equal in memory; of colours
   * (3, rows, columns) or (rows, columns, 3).
   */
  readonly shape: readonly number[];
  /** Order of a coloured image's bytes in the model's input. Default: channels last. */
  readonly order?: MapOrder | undefined;
  /** Order that is assumed for a list of pixels in colour if `order` is unknown. Default: channels first. */
  readonly likelyOrder?: MapOrder | undefined;
  /** Fixed number of images per run; undefined if it is free. */
  readonly batch: number | undefined;
}

/** Output of an ONNX model. */
export interface ModelOutput {
  /** Name of the tensor that is fetched: the logits, if the graph has them. */
  readonly name: string;
  readonly classes: number;
  /** Last operation of the model: it turns logits into probabilities. */
  readonly kind: OutputKind;
  /** Content of the tensor `name`: `logits`, or `kind` if the graph does not show the logits. */
  readonly holds: OutputKind;
}

/** An ONNX model that onnxruntime runs whole, with any operators. Only its input and output are known. */
export interface OnnxModel {
  readonly name: string;
  /** SHA-256 of the file, in hex. */
  readonly sha256: string;
  /** None: output k of a whole model is label k. */
  readonly classNames?: undefined;
  /** Change of the bytes before the model or within it. */
  readonly preprocessing: Preprocessing;
  /** Whether the graph does the preprocessing and so reads bytes. Default false. */
  readonly isWithin?: boolean;
  /** Assumptions about facts that neither the file nor an option states. */
  readonly assumptions: readonly Assumption[];
  readonly input: ModelInput;
  readonly output: ModelOutput;
  /** Content of the file, in shared memory, changed so that the tensor `output.name` is an output. */
  readonly bytes: Uint8Array;
}

export const ENGINES = ["ml-matrix", "simd", "onnx", "reference"] as const;
/**
 * Names of engines. `ml-matrix` computes in float64. `simd` is faster and predicts the same.
 * `onnx` is onnxruntime-node. `reference` is the plain loop in float64.
 */
export type EngineName = (typeof ENGINES)[number];

/** Layers with the preprocessing folded into the first layer, which reads raw bytes. */
export type FoldedLayers = readonly Layer[];

/** Source of an engine: layers for all engines, or a whole model for `onnx` only. */
export type EngineSource = FoldedLayers | OnnxModel;

/** The forward pass of a network. Not thread-safe: each worker has its own. */
export interface Engine {
  readonly name: EngineName;
  /** Last operation of the model. Probabilities come from the logits by σ for `sigmoid`, otherwise by softmax. */
  readonly ends?: OutputKind | undefined;
  /** pixels (count × inputs) u8 → logits (count × outputs) f64; both row-major, same order. Logits can be ±∞ or NaN. */
  forward(pixels: Uint8Array, count: number, logits: Float64Array): void | Promise<void>;
  /**
   * pixels (count × inputs) u8 → predictions (count) u16, equal to the argmax of `reference`'s logits.
   * Present if the engine can predict without all logits. Returns the number of images computed again in float64.
   *
   * @throws NanLogitError if a logit is NaN
   */
  predict?(pixels: Uint8Array, count: number, predictions: Uint16Array): number;
}
