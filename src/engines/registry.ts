/** Engines by name; each is loaded only when asked for. */
import type { Engine, EngineName, FoldedLayers } from "../contracts/engine.js";

const CREATE: Readonly<
  Record<EngineName, () => Promise<(layers: FoldedLayers) => Engine | Promise<Engine>>>
> = {
  "ml-matrix": async () => (await import("./ml-matrix.js")).createMlMatrixEngine,
  reference: async () => (await import("./reference.js")).createReferenceEngine,
};

export async function createEngine(name: EngineName, layers: FoldedLayers): Promise<Engine> {
  const create = await CREATE[name]();
  return create(layers);
}
