/** Benchmark of a sweep of configurations: warm pools, interleaved passes, and a check of each pass. */

import { availableParallelism } from "node:os";
import { IncompleteError, TERMINATED } from "#src/base/abort.js";
import type { Benchmark, Configuration } from "#src/base/contracts/bench.js";
import { AS_STORED } from "#src/base/contracts/dataset.js";
import type { EngineName } from "#src/base/contracts/engine.js";
import { RunError } from "#src/base/errors.js";
import { streamOf } from "#src/base/slab.js";
import { loadWhole, type OpenEvaluator, openEvaluatorWith } from "#src/evaluate/evaluator.js";
import type { OpenExecutor } from "#src/evaluate/local-runner.js";
import { type DataAndNetwork, loadPair } from "#src/evaluate/open-inputs.js";
import type { EvaluateInput, EvaluateOptions } from "#src/evaluate/options.js";
import type { PrepareHooks } from "#src/evaluate/prepare.js";
import { openExecutor } from "#src/pool/registry.js";
import { type BenchInput, type BenchPlan, resolveBench } from "./options.js";
import { createStopwatch, type Series, summarizeBench } from "./summary.js";

export interface BenchHooks extends Pick<PrepareHooks, "signal" | "onDownload"> {
  /** Called after data and network are loaded, before the first pass. */
  onStart?(plan: BenchPlan, images: number): void;
  /** Called after each pass. `round` is negative in warm-up passes. */
  onPass?(configuration: Configuration, round: number): void;
}

/** A benchmark. If it was interrupted, `failure` is the error, and the benchmark covers the finished passes. */
export interface BenchOutcome {
  readonly benchmark: Benchmark;
  readonly failure: RunError | undefined;
}

/**
 * Times a sweep of configurations over one data set and network.
 *
 * @throws UsageError, FileError, DatasetError, NetworkError, TransferError as `evaluate`; UsageError ERR_MEMORY
 * @throws RunError ERR_BENCH_MISMATCH if a pass predicts differently from the reference
 * @throws IncompleteError if a batch fails
 */
export function bench(input: BenchInput = {}, hooks: BenchHooks = {}): Promise<BenchOutcome> {
  return benchWith(openExecutor, input, hooks);
}

/** `bench` with executors from the caller. */
export async function benchWith(
  open: OpenExecutor,
  input: BenchInput,
  { signal = new AbortController().signal, ...hooks }: BenchHooks = {},
): Promise<BenchOutcome> {
  const plan = resolveBench(input, availableParallelism());
  const pair = await loadPair(plan.options, { signal, onDownload: (notice) => hooks.onDownload?.(notice) });
  const shared = await loadShared(pair, plan.options);
  hooks.onStart?.(plan, pair.range.limit);
  const { configurations, scenario } = plan;
  const series = configurations.map(
    (configuration): Series => ({
      ...configuration,
      passesMs: [],
      batches: createStopwatch(),
      queries: scenario === "single-stream" ? createStopwatch() : undefined,
    }),
  );
  let failure: RunError | undefined;
  try {
    const threads = Math.max(...configurations.map((configuration) => configuration.threads));
    const expected = await predictReference(open, shared, threads, signal);
    await withPools(open, shared, configurations, (poolOf) =>
      runRounds(plan, series, poolOf, expected, { ...hooks, signal }),
    );
  } catch (error) {
    if (!(error instanceof IncompleteError) || !signal.aborted) throw error;
    const donePasses = series.reduce((sum, { passesMs }) => sum + passesMs.length, 0);
    const code = signal.reason === TERMINATED ? "ERR_BENCH_TERMINATED" : "ERR_BENCH_INTERRUPTED";
    failure = new RunError(code, { donePasses });
  }
  const complete = failure === undefined;
  const record = { plan, pair, series, complete, checkedAgainst: REFERENCE };
  return { benchmark: await summarizeBench(record), failure };
}

/** Runs the passes interleaved, so that a slow phase of the machine affects all configurations equally. */
async function runRounds(
  plan: BenchPlan,
  series: readonly Series[],
  poolOf: PoolOf,
  expected: Expected,
  { signal, onPass }: BenchHooks & { readonly signal: AbortSignal },
): Promise<void> {
  const isUnfinished = (one: Series) => !isDone(one, plan);
  // LoadGen's single-stream: each query has one image and starts when the one before is answered.
  const oneImage = plan.scenario === "single-stream" ? { taskSize: () => 1 } : {};
  for (let round = -plan.warmUp; round < 0 || series.some(isUnfinished); round++) {
    for (const one of round < 0 ? series : series.filter(isUnfinished)) {
      const { batchSize } = one;
      const { evaluation, outcome } = await poolOf(one).run({ batchSize, signal, ...oneImage });
      assertPredictions(one, evaluation.predictions, expected);
      if (round >= 0) {
        one.passesMs.push(outcome.evaluateMs);
        one.batches.record(outcome.latenciesMs);
        one.queries?.record(outcome.roundTripsMs);
      }
      onPass?.(one, round);
    }
  }
}

function isDone({ passesMs }: Series, { repeat, durationSeconds, maxPasses }: BenchPlan): boolean {
  if (passesMs.length < repeat) return false;
  if (passesMs.length >= maxPasses) return true;
  return passesMs.reduce((sum, ms) => sum + ms, 0) >= 1000 * durationSeconds;
}

export interface Expected {
  readonly engine: EngineName;
  readonly predictions: Uint16Array;
  /** Index of the first image within the data set. */
  readonly firstImage: number;
}

/** @throws RunError ERR_BENCH_MISMATCH with the first image that differs, and the number of differences */
export function assertPredictions(
  { engine, threads, batchSize }: Configuration,
  found: Uint16Array,
  { predictions: expected, firstImage, engine: checkedAgainst }: Expected,
): void {
  const first = expected.findIndex((prediction, image) => found[image] !== prediction);
  if (first === -1) return;
  throw new RunError("ERR_BENCH_MISMATCH", {
    engine,
    threads,
    batchSize,
    checkedAgainst,
    image: firstImage + first,
    expected: expected[first]!,
    found: found[first]!,
    differing: expected.reduce((sum, prediction, image) => sum + Number(found[image] !== prediction), 0),
    total: expected.length,
  });
}

/** Engine that all others are checked against: the plain loop. */
export const REFERENCE: EngineName = "reference";
const REFERENCE_BATCH_SIZE = 100;

/** Input of all pools: the loaded network, and the images in slabs that the runs share in turn. */
export async function loadShared(pair: DataAndNetwork, options: EvaluateOptions): Promise<EvaluateInput> {
  const loaded = await loadWhole(pair, false);
  return {
    ...options,
    // The pair is open already: with these options its slabs would be changed again, in place.
    ...AS_STORED,
    labels: undefined,
    classes: undefined,
    timeoutSeconds: options.timeoutMs / 1000,
    limit: pair.range.limit,
    weights: pair.network,
    dataset: {
      ...pair.dataset,
      slabs: () => streamOf(loaded),
    },
  };
}

/** Predictions of the plain loop, computed on the largest number of threads of the sweep. */
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

/** Opens the pools, runs the work on them, and closes them. Pools do not depend on the batch size. */
export async function withPools(
  open: OpenExecutor,
  shared: EvaluateInput,
  configurations: readonly Configuration[],
  work: (poolOf: PoolOf) => Promise<void>,
): Promise<void> {
  const pools = new Map<string, OpenEvaluator>();
  const keyOf = ({ engine, threads }: Configuration) => `${engine} ${threads}`;
  // The smallest batch size gives the most batches, so no pool has too few workers.
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
