/** The forward pass. */
import type { Layer } from "./network.js";

export const ENGINES = ["ml-matrix", "simd", "reference"] as const;
export type EngineName = (typeof ENGINES)[number];

/** Layers with the preprocessing folded into the first, which therefore reads bytes. */
export type FoldedLayers = readonly Layer[];

/** Not thread-safe: one per worker. */
export interface Engine {
  readonly name: EngineName;
  /** pixels (count × inputs) u8 → logits (count × outputs) f64; both row-major, same order. */
  forward(pixels: Uint8Array, count: number, logits: Float64Array): void | Promise<void>;
  /**
   * Where an engine knows the classes without all logits: pixels as above → predictions (count) u16, equal to the argmax
   * of `reference`'s logits. Answers how many images it computed again to be certain.
   */
  predict?(pixels: Uint8Array, count: number, predictions: Uint16Array): number;
}
