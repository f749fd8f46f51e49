/** The executor that the options ask for; only what it needs is loaded. */
import type { FoldedLayers } from "../contracts/engine.js";
import type { Executor } from "../contracts/executor.js";
import { createEngine, prepareEngine } from "../engines/registry.js";
import type { EvaluateOptions } from "../options.js";
import { WORKER_URL } from "./worker-setup.js";

/** No more workers are started than there are tasks. */
export async function openExecutor(
  { engine, threads, timeoutMs }: Pick<EvaluateOptions, "engine" | "threads" | "timeoutMs">,
  layers: FoldedLayers,
  tasks: number,
  workerUrl = WORKER_URL,
): Promise<Executor> {
  if (threads === 0) {
    const { createInlineExecutor } = await import("./inline.js");
    return createInlineExecutor(await createEngine(engine, layers), layers[layers.length - 1].outputs);
  }
  const { createLocalPool } = await import("./local-pool.js");
  return createLocalPool({
    threads: Math.min(threads, tasks),
    timeoutMs,
    setup: { engine, layers, assets: await prepareEngine(engine, layers) },
    workerUrl,
  });
}
