/** The forward pass. */
import type { Layer } from "./network.js";
import type { OnnxModel, OutputKind } from "./onnx-model.js";

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
