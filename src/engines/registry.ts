/** Engines by name; each is loaded only when asked for. */
import type {
  Engine,
  EngineName,
  EngineSource,
  FoldedLayers,
  OnnxModel,
} from "#src/base/contracts/network.js";
import { NetworkError } from "#src/base/errors.js";
import type { SimdAssets } from "#src/engines/simd/engine.js";
import { loadKernel } from "#src/engines/simd/load-kernel.js";

/** What an engine makes once, on the coordinator, for all workers; structured clone takes it to them. */
export type EngineAssets = SimdAssets | OnnxModel | undefined;

/** Begins what an engine needs whatever the network, on threads of V8's. */
export function preloadEngine(name: EngineName): void {
  // A failure is thrown where the module is awaited.
  if (name === "simd") loadKernel().catch(() => {});
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
      return (await import("#src/engines/simd/engine.js")).createSimdEngine(made, layers);
    }
    case "onnx": {
      const model = assets !== undefined && "bytes" in assets ? assets : await modelOf(source);
      return (await import("#src/engines/onnx/engine.js")).createOnnxEngine(model);
    }
  }
}

async function prepareSimd(layers: FoldedLayers): Promise<SimdAssets> {
  const module = loadKernel();
  const { prepareSimd: prepare } = await import("#src/engines/simd/engine.js");
  return { ...prepare(layers), module: await module };
}

/** A model as it is; layers as a model. */
async function modelOf(source: EngineSource): Promise<OnnxModel> {
  if ("bytes" in source) return source;
  return (await import("#src/engines/onnx/engine.js")).modelOfLayers(source);
}

function layersOf(source: EngineSource, engine: EngineName): FoldedLayers {
  if (!("bytes" in source)) return source;
  throw new NetworkError("ERR_NETWORK_LAYERS", { path: source.name, engine });
}
