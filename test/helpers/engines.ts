/** Which engines tests can run, and which of them give float64's own logits. */
import test from "ava";
import { ENGINES, type EngineName } from "#src/base/contracts/engine.js";
import { loadRuntime } from "#src/engines/onnx/runtime.js";
import { needs } from "./require.js";

/** simd's logits are within a bound of these (simd.test.ts), its predictions equal; onnx's are float32's. */
export const EXACT_ENGINES = ENGINES.filter((name) => name !== "simd" && name !== "onnx");

/** Whether the peer of the engine `onnx` is installed. */
export const hasOnnxruntime = await loadRuntime().then(
  () => true,
  () => false,
);

export const AVAILABLE_ENGINES = ENGINES.filter((name) => name !== "onnx" || hasOnnxruntime);

/** AVA's `test`, or a skip where the engine's peer is not installed. */
export function testOf(engine: EngineName): typeof test.skip {
  return engine === "onnx" ? needs("onnxruntime", hasOnnxruntime) : test;
}
