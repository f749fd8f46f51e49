/** The executor that the options ask for; only what it needs is loaded. */

import type { Executor } from "#src/base/contracts/executor.js";
import type { EngineName, EngineSource } from "#src/base/contracts/network.js";
import { prepareEngine } from "#src/engines/registry.js";
import { type EngineSetup, fallbacksOf, WORKER_URL } from "./task-runner.js";

/** Products of the forward pass that the simd engine does in some 100 ms: the start of a few workers, three times over. */
const WORTH_WORKERS = 5e9;

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
}

/** Of one network. */
export function openExecutor(
  { engine, ...options }: PoolOptions & { readonly engine: EngineName },
  source: EngineSource,
  work: Workload,
  workerUrl: URL = WORKER_URL,
): Promise<Executor> {
  return openSharedExecutor(options, [{ engine, source }], work, workerUrl);
}

/**
 * Of several networks, at least one, which share the threads; tasks name theirs by its index.
 *
 * Only simd may compute on the coordinator: all of it where workers are not worth their start, else until one is ready.
 */
export async function openSharedExecutor(
  { threads, timeoutMs, warm }: PoolOptions,
  networks: readonly EngineSetup[],
  { images, tasks }: Workload,
  workerUrl: URL = WORKER_URL,
): Promise<Executor> {
  const isSimd = networks.every(({ engine }) => engine === "simd");
  // What simd is to do can be far more than its arithmetic, where that does not hold.
  const ofSimd = await Promise.all(networks.map((one) => (one.engine === "simd" ? withAssets(one) : one)));
  const isQuick = isSimd && fallbacksOf(ofSimd).every((fallback) => fallback === undefined);
  const products = Math.max(...networks.map(({ source }) => productsOf(source)));
  if (threads === 0 || (isQuick && !warm && images * products < WORTH_WORKERS)) return openInline(ofSimd);
  const [sources, { createLocalPool }] = await Promise.all([
    Promise.all(ofSimd.map(withAssets)),
    import("./local-pool.js"),
  ]);
  const setup = { sources };
  const pool = createLocalPool({ threads: Math.min(threads, tasks), timeoutMs, setup, workerUrl });
  if (!isQuick) return pool;
  const [inline, { withHeadStart }] = await Promise.all([openInline(sources), import("./head-start.js")]);
  return withHeadStart(pool, inline);
}

async function withAssets(setup: EngineSetup): Promise<EngineSetup> {
  const { engine, source, assets } = setup;
  return { engine, source, assets: assets ?? (await prepareEngine(engine, source)) };
}

async function openInline(sources: readonly EngineSetup[]): Promise<Executor> {
  return (await import("./inline.js")).openInlineExecutor(sources);
}

/** Of one image; a model whose layers nobody knows counts as endless work. */
function productsOf(source: EngineSource): number {
  if (!("length" in source)) return Number.POSITIVE_INFINITY;
  return source.reduce((sum, { weights }) => sum + weights.length, 0);
}
