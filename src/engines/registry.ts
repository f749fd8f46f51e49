/** Engines by name; each is loaded only when asked for. */
import { readFile } from "node:fs/promises";
import type { Engine, EngineName, FoldedLayers } from "../contracts/engine.js";
import { PACKAGE_ROOT } from "../package-root.js";
import type { SimdAssets } from "./simd/engine.js";

/** What an engine makes once, on the coordinator, for all workers; structured clone takes it to them. */
export type EngineAssets = SimdAssets | undefined;

const KERNEL_URL = new URL("dist/src/engines/simd/kernel.wasm", PACKAGE_ROOT);

/** Compiled once a process, so that what V8 has optimised serves every later run. */
let kernelModule: Promise<WebAssembly.Module> | undefined;

export async function prepareEngine(name: EngineName, layers: FoldedLayers): Promise<EngineAssets> {
  if (name !== "simd") return undefined;
  kernelModule ??= readFile(KERNEL_URL).then(WebAssembly.compile);
  const [{ prepareSimd }, module] = await Promise.all([import("./simd/engine.js"), kernelModule]);
  return prepareSimd(module, layers);
}

export async function createEngine(
  name: EngineName,
  layers: FoldedLayers,
  assets?: EngineAssets,
): Promise<Engine> {
  switch (name) {
    case "ml-matrix":
      return (await import("./ml-matrix.js")).createMlMatrixEngine(layers);
    case "reference":
      return (await import("./reference.js")).createReferenceEngine(layers);
    case "simd": {
      const { createSimdEngine } = await import("./simd/engine.js");
      const made = assets ?? (await prepareEngine(name, layers));
      if (made === undefined) throw new Error("the simd engine has no assets");
      return createSimdEngine(made, layers);
    }
  }
}
