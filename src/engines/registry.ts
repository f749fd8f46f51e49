/** Engines by name. Each is loaded only when it is used. */

import type {
  Engine,
  EngineName,
  EngineSource,
  FoldedLayers,
  OnnxModel,
} from "#src/base/contracts/engine.js";
import { NetworkError } from "#src/base/errors.js";
import type { SimdAssets } from "#src/engines/simd/engine.js";
import { createReferenceEngine } from "./reference.js";

/** What an engine prepares once on the coordinator for all workers. Structured clone passes it to them. */
export type EngineAssets = SimdAssets | OnnxModel | undefined;

const loadSimd = () => import("#src/engines/simd/engine.js");
const loadOnnx = () => import("#src/engines/onnx/engine.js");

/**
 * Engines whose threads may be ended between two tasks only: onnxruntime's binding aborts the whole process when its thread
 * is ended within a call.
 */
const RETIRED_BETWEEN_TASKS: ReadonlySet<EngineName> = new Set(["onnx"]);

/** Whether a thread with the engine must end its task before it is ended. Its tasks are then neither interrupted nor timed. */
export function retiresBetweenTasks(engine: EngineName): boolean {
  return RETIRED_BETWEEN_TASKS.has(engine);
}

/** Starts to load what an engine needs for every network. */
export function preloadEngine(name: EngineName): void {
  // A failure is thrown where the module is awaited.
  if (name === "simd")
    loadSimd()
      .then(
        ({ loadKernel }) => loadKernel(),
        () => {},
      )
      .catch(() => {});
}

/**
 * Prepares what all workers share.
 *
 * @throws NetworkError ERR_NETWORK_LAYERS, ERR_NETWORK_F32
 */
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
 * Creates an engine for a network. Without `assets` it prepares its own.
 *
 * @throws NetworkError ERR_NETWORK_LAYERS, ERR_NETWORK_F32
 * @throws RunError ERR_ENGINE_PEER
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
      return createReferenceEngine(layersOf(source, name));
    case "simd": {
      const layers = layersOf(source, name);
      const made = assets !== undefined && "module" in assets ? assets : await prepareSimd(layers);
      return (await loadSimd()).createSimdEngine(made, layers);
    }
    case "onnx": {
      const model = assets !== undefined && "bytes" in assets ? assets : await modelOf(source);
      return (await loadOnnx()).createOnnxEngine(model);
    }
  }
}

async function prepareSimd(layers: FoldedLayers): Promise<SimdAssets> {
  const simd = await loadSimd();
  const module = simd.loadKernel();
  return { ...simd.prepareSimd(layers), module: await module };
}

/** Returns a model unchanged, and layers as a model. */
async function modelOf(source: EngineSource): Promise<OnnxModel> {
  if ("bytes" in source) return source;
  return (await loadOnnx()).modelOfLayers(source);
}

function layersOf(source: EngineSource, engine: EngineName): FoldedLayers {
  if (!("bytes" in source)) return source;
  throw new NetworkError("ERR_NETWORK_LAYERS", { path: source.name, engine });
}
