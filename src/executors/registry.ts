/** The executor that the options ask for; only what it needs is loaded. */
import type { EngineSource } from "../contracts/engine.js";
import type { Executor } from "../contracts/executor.js";
import { createEngine, prepareEngine } from "../engines/registry.js";
import { outputsOf } from "../networks/layer-sizes.js";
import type { EvaluateOptions } from "../options.js";
import { WORKER_URL } from "./worker-setup.js";

/** No more workers are started than there are tasks. */
export async function openExecutor(
  { engine, threads, timeoutMs }: Pick<EvaluateOptions, "engine" | "threads" | "timeoutMs">,
  source: EngineSource,
  tasks: number,
  workerUrl = WORKER_URL,
): Promise<Executor> {
  if (threads === 0) {
    const { createInlineExecutor } = await import("./inline.js");
    return createInlineExecutor(await createEngine(engine, source), outputsOf(source));
  }
  const { createLocalPool } = await import("./local-pool.js");
  return createLocalPool({
    threads: Math.min(threads, tasks),
    timeoutMs,
    setup: { engine, source, assets: await prepareEngine(engine, source) },
    workerUrl,
  });
}
