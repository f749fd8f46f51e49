/** The executor that the options ask for; only what it needs is loaded. */

import type { Executor } from "#src/base/contracts/executor.js";
import type { EngineName, EngineSource } from "#src/base/contracts/network.js";
import { prepareEngine } from "#src/engines/registry.js";
import { type EngineSetup, fallbacksOf, WORKER_URL } from "./task-runner.js";

/** Products of the forward pass that the simd engine does in some 35 ms: about the start of a worker. */
const WORTH_WORKERS = 1.5e9;
/** The same beside the inflating of images, which keeps one core busy and gives small networks little to do. */
const WORTH_WORKERS_INFLATING = 5e9;

export interface PoolOptions {
  /** Worker threads at most; with 0 the coordinator computes. */
  readonly threads: number;
  /** Time limit per task, in milliseconds; 0 for none. */
  readonly timeoutMs: number;
  /** Start every worker now, however small the work. */
  readonly warm: boolean;
}

export interface Workload {
  readonly images: number;
  /** No more workers are started than there are tasks. */
  readonly tasks: number;
  /** Whether the images are inflated as they are read. Default: false. */
  readonly isDeflated?: boolean | undefined;
}

/** An executor for one network. */
export function openExecutor(
  { engine, ...options }: PoolOptions & { readonly engine: EngineName },
  source: EngineSource,
  work: Workload,
  workerUrl: URL = WORKER_URL,
): Promise<Executor> {
  return openSharedExecutor(options, [{ engine, source }], work, workerUrl);
}

/**
 * An executor for one or more networks, which share the threads; a task names its network by index.
 *
 * Only simd may compute on the coordinator: alone where workers are not worth their start or one thread is allowed, otherwise
 * beside `threads − 1` workers. A pool that is kept warm computes in workers alone, so that its owner's thread stays free.
 */
export async function openSharedExecutor(
  { threads, timeoutMs, warm }: PoolOptions,
  networks: readonly EngineSetup[],
  { images, tasks, isDeflated = false }: Workload,
  workerUrl: URL = WORKER_URL,
): Promise<Executor> {
  const isSimd = networks.every(({ engine }) => engine === "simd");
  // What simd is to do can be far more than its arithmetic, where that does not hold.
  const ofSimd = await Promise.all(networks.map((one) => (one.engine === "simd" ? withAssets(one) : one)));
  const isQuick = isSimd && fallbacksOf(ofSimd).every((fallback) => fallback === undefined);
  const products = Math.max(...networks.map(({ source }) => productsOf(source)));
  const helps = isQuick && !warm;
  const worth = isDeflated ? WORTH_WORKERS_INFLATING : WORTH_WORKERS;
  const isAlone = threads === 0 || (helps && (threads === 1 || images * products < worth));
  if (isAlone) return openInline(ofSimd);
  const [sources, { createLocalPool }] = await Promise.all([
    Promise.all(ofSimd.map(withAssets)),
    import("./local-pool.js"),
  ]);
  const setup = { sources };
  const workers = Math.min(helps ? threads - 1 : threads, tasks);
  const pool = createLocalPool({ threads: workers, timeoutMs, setup, workerUrl });
  if (!helps) return pool;
  const [inline, { withCoordinator }] = await Promise.all([openInline(sources), import("./head-start.js")]);
  return withCoordinator(pool, inline);
}

async function withAssets(setup: EngineSetup): Promise<EngineSetup> {
  const { engine, source, assets } = setup;
  return { engine, source, assets: assets ?? (await prepareEngine(engine, source)) };
}

async function openInline(sources: readonly EngineSetup[]): Promise<Executor> {
  return (await import("./inline.js")).openInlineExecutor(sources);
}

/** Products per image; infinite for a model whose layers are unknown. */
function productsOf(source: EngineSource): number {
  if (!("length" in source)) return Number.POSITIVE_INFINITY;
  return source.reduce((sum, { weights }) => sum + weights.length, 0);
}
