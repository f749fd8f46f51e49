/** What every worker is given at its start, and where its file is. */
import type { EngineName, EngineSource } from "#src/base/contracts/engine.js";
import { PACKAGE_ROOT } from "#src/base/package-root.js";
import type { EngineAssets } from "#src/engines/registry.js";

/** What one engine is made of. */
export interface EngineSetup {
  readonly engine: EngineName;
  /** Views of shared memory: a worker copies no weights. */
  readonly source: EngineSource;
  /** What the coordinator made for the engine, once for all workers. */
  readonly assets?: EngineAssets;
}

/** By network: why `simd` computes all of it by the reference; undefined where it does not. */
export function fallbacksOf(sources: readonly EngineSetup[]): (string | undefined)[] {
  return sources.map(({ assets }) =>
    assets !== undefined && "module" in assets ? assets.fallback : undefined,
  );
}

export interface WorkerSetup {
  /** The networks that tasks name by their index; at least one. */
  readonly sources: readonly EngineSetup[];
}

/** Annotated: its declaration would else import Node's types, which a user's project may not have. */
export const WORKER_URL: URL = new URL("dist/bundle/worker.cjs", PACKAGE_ROOT);
