/** The executor that the options ask for; only what it needs is loaded. */
import type { EngineSource } from "../contracts/engine.js";
import type { Executor } from "../contracts/executor.js";
import { createEngine, prepareEngine } from "../engines/registry.js";
import { outputsOf } from "../networks/layer-sizes.js";
import type { EvaluateOptions } from "../options.js";
import { WORKER_URL } from "./worker-setup.js";

/** Products of the forward pass that the simd engine does in some 100 ms: the start of a few workers, three times over. */
const WORTH_WORKERS = 5e9;

type PoolOptions = Pick<EvaluateOptions, "engine" | "threads" | "timeoutMs" | "warm">;

export interface Workload {
  readonly images: number;
  /** No more workers are started than there are tasks. */
  readonly tasks: number;
}

/** Only simd may compute on the coordinator: all of it where workers are not worth their start, else until one is ready. */
export async function openExecutor(
  { engine, threads, timeoutMs, warm }: PoolOptions,
  source: EngineSource,
  { images, tasks }: Workload,
  workerUrl = WORKER_URL,
): Promise<Executor> {
  const outputs = outputsOf(source);
  const isSimd = engine === "simd";
  if (threads === 0 || (isSimd && !warm && images * productsOf(source) < WORTH_WORKERS)) {
    const { createInlineExecutor } = await import("./inline.js");
    return createInlineExecutor(await createEngine(engine, source), outputs);
  }
  const [assets, { createLocalPool }] = await Promise.all([
    prepareEngine(engine, source),
    import("./local-pool.js"),
  ]);
  const setup = { engine, source, assets };
  const pool = createLocalPool({ threads: Math.min(threads, tasks), timeoutMs, setup, workerUrl });
  if (!isSimd) return pool;
  const [{ createInlineExecutor }, { withHeadStart }] = await Promise.all([
    import("./inline.js"),
    import("./head-start.js"),
  ]);
  return withHeadStart(pool, createInlineExecutor(await createEngine(engine, source, assets), outputs));
}

/** Of one image; a model whose layers nobody knows counts as endless work. */
function productsOf(source: EngineSource): number {
  if (!("length" in source)) return Number.POSITIVE_INFINITY;
  return source.reduce((sum, { weights }) => sum + weights.length, 0);
}
