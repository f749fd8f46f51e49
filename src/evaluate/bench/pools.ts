/** What is warm while a benchmark runs: the images in one slab for all, and a pool for each engine and thread count. */
import type { Configuration } from "#src/base/contracts/bench.js";
import type { EngineName } from "#src/base/contracts/engine.js";
import { RunError } from "#src/base/errors.js";
import { type OpenEvaluator, openEvaluatorWith } from "#src/evaluate/evaluator.js";
import type { DataAndNetwork } from "#src/evaluate/load-pair.js";
import type { EvaluateInput, EvaluateOptions } from "#src/evaluate/options.js";
import type { OpenExecutor } from "#src/evaluate/prepare.js";
import { loadWhole } from "#src/evaluate/whole-set.js";
import type { Expected } from "./check.js";

/** Every engine is proved against the plain loop. */
export const REFERENCE: EngineName = "reference";
const REFERENCE_BATCH_SIZE = 100;

/** What every pool is opened with: data and network loaded, the images in slabs that runs use one after the other. */
export async function loadShared(pair: DataAndNetwork, options: EvaluateOptions): Promise<EvaluateInput> {
  const loaded = await loadWhole(pair, false);
  return {
    ...options,
    timeoutSeconds: options.timeoutMs / 1000,
    limit: pair.range.limit,
    weights: pair.network,
    dataset: {
      ...pair.dataset,
      async *slabs() {
        yield* loaded;
      },
    },
  };
}

/** What is to be predicted, by the plain loop on as many threads as the sweep has at most. */
export async function predictReference(
  open: OpenExecutor,
  shared: EvaluateInput,
  threads: number,
  signal: AbortSignal,
): Promise<Expected> {
  const input = { ...shared, engine: REFERENCE, threads, batchSize: REFERENCE_BATCH_SIZE };
  const evaluator = await openEvaluatorWith(open, input);
  try {
    const { predictions, dataset } = (await evaluator.run({ signal })).evaluation;
    return { engine: REFERENCE, predictions, firstImage: dataset.offset };
  } finally {
    await evaluator.close();
  }
}

export type PoolOf = (configuration: Configuration) => OpenEvaluator;

/** Opens the pools, hands them to the work, and closes them. The batch size is the coordinator's affair alone. */
export async function withPools(
  open: OpenExecutor,
  shared: EvaluateInput,
  configurations: readonly Configuration[],
  work: (poolOf: PoolOf) => Promise<void>,
): Promise<void> {
  const pools = new Map<string, OpenEvaluator>();
  const keyOf = ({ engine, threads }: Configuration) => `${engine} ${threads}`;
  // Of the smallest batches there are the most, so that no pool is short of workers.
  const batchSize = Math.min(...configurations.map((configuration) => configuration.batchSize));
  try {
    for (const configuration of configurations) {
      const key = keyOf(configuration);
      if (pools.has(key)) continue;
      const { engine, threads } = configuration;
      pools.set(key, await openEvaluatorWith(open, { ...shared, engine, threads, batchSize }));
    }
    await work((configuration) => {
      const pool = pools.get(keyOf(configuration));
      if (pool === undefined) throw new RunError("ERR_INTERNAL", { problem: "a configuration has no pool" });
      return pool;
    });
  } finally {
    await Promise.all([...pools.values()].map((pool) => pool.close()));
  }
}
