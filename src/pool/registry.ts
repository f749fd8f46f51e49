/** The executor that the options ask for; only what it needs is loaded. */

import { setImmediate } from "node:timers/promises";
import type { EngineName, EngineSource } from "#src/base/contracts/engine.js";
import type { Executor } from "#src/base/contracts/executor.js";
import { type EngineAssets, prepareEngine } from "#src/engines/registry.js";
import { productsOfLayer } from "#src/networks/chain.js";
import type { LocalPool } from "./local-pool.js";
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
  /** Workers that may end while they load. Default: 2. */
  readonly retries?: number | undefined;
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
  { threads, timeoutMs, retries, warm }: PoolOptions,
  networks: readonly EngineSetup[],
  { images, tasks, isDeflated = false }: Workload,
  workerUrl: URL = WORKER_URL,
): Promise<Executor> {
  if (threads === 0) return openInline(await Promise.all(networks.map(withAssets)));
  const isSimd = networks.every(({ engine }) => engine === "simd");
  const products = Math.max(...networks.map(({ source }) => productsOf(source)));
  const worth = isDeflated ? WORTH_WORKERS_INFLATING : WORTH_WORKERS;
  const openPool = async (workers: number, queued = 0): Promise<Opened> => {
    const { createLocalPool } = await import("./local-pool.js");
    // Made while the workers load.
    const assets = Promise.all(networks.map(assetsOf));
    const setup = { sources: networks };
    const pool = createLocalPool({
      threads: Math.min(workers, tasks),
      queued,
      timeoutMs,
      retries,
      setup,
      assets,
      workerUrl,
    });
    // The first task throws what goes wrong here.
    pool.warm().catch(() => {});
    // Code was loaded for milliseconds: files are read on.
    await setImmediate();
    try {
      const made = await assets;
      return { pool, sources: networks.map((one, n) => ({ ...one, assets: made[n] })) };
    } catch (error) {
      await pool.close();
      throw error;
    }
  };
  if (!isSimd || warm) return (await openPool(threads)).pool;
  if (threads === 1 || images * products < worth) {
    const sources = await Promise.all(networks.map(withAssets));
    return isQuick(sources) ? openInline(sources) : (await openPool(threads)).pool;
  }
  // The coordinator computes too, so that a worker would wait for its next task.
  const { pool, sources } = await openPool(threads - 1, 1);
  if (isQuick(sources)) {
    const [inline, { withCoordinator }] = await Promise.all([openInline(sources), import("./head-start.js")]);
    return withCoordinator(pool, inline);
  }
  await pool.close();
  return (await openPool(threads)).pool;
}

interface Opened {
  readonly pool: LocalPool;
  readonly sources: readonly EngineSetup[];
}

/** False where a network is computed by the reference: that can be far more work than its products tell. */
function isQuick(sources: readonly EngineSetup[]): boolean {
  return fallbacksOf(sources).every((fallback) => fallback === undefined);
}

async function withAssets(setup: EngineSetup): Promise<EngineSetup> {
  return { ...setup, assets: await assetsOf(setup) };
}

async function assetsOf({ engine, source, assets }: EngineSetup): Promise<EngineAssets> {
  return assets ?? (await prepareEngine(engine, source));
}

async function openInline(sources: readonly EngineSetup[]): Promise<Executor> {
  return (await import("./inline.js")).openInlineExecutor(sources);
}

/** Products per image; infinite for a model whose layers are unknown. */
function productsOf(source: EngineSource): number {
  if (!("length" in source)) return Number.POSITIVE_INFINITY;
  return source.reduce((sum, layer) => sum + productsOfLayer(layer), 0);
}
