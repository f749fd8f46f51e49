/** Engines by name; each is loaded only when asked for. */
import { readFileSync } from "node:fs";
import type { Engine, EngineName, EngineSource, FoldedLayers } from "../contracts/engine.js";
import type { OnnxModel } from "../contracts/onnx-model.js";
import { NetworkError } from "../errors.js";
import { PACKAGE_ROOT } from "../package-root.js";
import type { SimdAssets } from "./simd/engine.js";

/** What an engine makes once, on the coordinator, for all workers; structured clone takes it to them. */
export type EngineAssets = SimdAssets | OnnxModel | undefined;

const KERNEL_URL = new URL("dist/src/engines/simd/kernel.wasm", PACKAGE_ROOT);

/** Compiled once a process, so that what V8 has optimised serves every later run. */
let kernelModule: Promise<WebAssembly.Module> | undefined;

/** Begins what an engine needs whatever the network, on threads of V8's. */
export function preloadEngine(name: EngineName): void {
  // A failure is thrown where the module is awaited.
  if (name === "simd") loadKernel().catch(() => {});
}

function loadKernel(): Promise<WebAssembly.Module> {
  // A few kilobytes of our own: reading them at once takes less than a thread's round trip.
  kernelModule ??= Promise.resolve().then(() => WebAssembly.compile(readFileSync(KERNEL_URL)));
  return kernelModule;
}

/** @throws NetworkError ERR_NETWORK_LAYERS, ERR_NETWORK_F32. */
export async function prepareEngine(name: EngineName, source: EngineSource): Promise<EngineAssets> {
  switch (name) {
    case "simd":
      return prepareSimd(layersOf(source, name));
    case "onnx":
      return modelOf(source);
    default:
      return undefined;
  }
}

/**
 * `assets` are those that `prepareEngine` made, where they are at hand.
 *
 * @throws NetworkError ERR_NETWORK_LAYERS, ERR_NETWORK_F32. RunError ERR_ENGINE_PEER.
 */
export async function createEngine(
  name: EngineName,
  source: EngineSource,
  assets?: EngineAssets,
): Promise<Engine> {
  switch (name) {
    case "ml-matrix":
      return (await import("./ml-matrix.js")).createMlMatrixEngine(layersOf(source, name));
    case "reference":
      return (await import("./reference.js")).createReferenceEngine(layersOf(source, name));
    case "simd": {
      const layers = layersOf(source, name);
      const made = assets !== undefined && "module" in assets ? assets : await prepareSimd(layers);
      return (await import("./simd/engine.js")).createSimdEngine(made, layers);
    }
    case "onnx": {
      const model = assets !== undefined && "bytes" in assets ? assets : await modelOf(source);
      return (await import("./onnx/engine.js")).createOnnxEngine(model);
    }
  }
}

async function prepareSimd(layers: FoldedLayers): Promise<SimdAssets> {
  const module = loadKernel();
  const { prepareSimd: prepare } = await import("./simd/engine.js");
  return { image: prepare(layers), module: await module };
}

/** A model as it is; layers as a model. */
async function modelOf(source: EngineSource): Promise<OnnxModel> {
  if ("bytes" in source) return source;
  return (await import("./onnx/engine.js")).modelOfLayers(source);
}

function layersOf(source: EngineSource, engine: EngineName): FoldedLayers {
  if (!("bytes" in source)) return source;
  throw new NetworkError("ERR_NETWORK_LAYERS", { path: source.name, engine });
}
