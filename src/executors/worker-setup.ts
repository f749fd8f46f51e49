/** What every worker is given at its start, and where its file is. */
import type { EngineName, EngineSource } from "../contracts/engine.js";
import type { EngineAssets } from "../engines/registry.js";
import { PACKAGE_ROOT } from "../package-root.js";

export interface WorkerSetup {
  readonly engine: EngineName;
  /** Views of shared memory: a worker copies no weights. */
  readonly source: EngineSource;
  /** What the coordinator made for the engine, once for all workers. */
  readonly assets?: EngineAssets;
}

export const WORKER_URL = new URL("dist/bundle/worker.cjs", PACKAGE_ROOT);
