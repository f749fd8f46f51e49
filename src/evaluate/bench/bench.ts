/** The benchmark: warm pools side by side, passes interleaved round by round, each checked. */
import { availableParallelism } from "node:os";
import type { Benchmark, Configuration } from "#src/base/contracts/bench.js";
import { RunError } from "#src/base/errors.js";
import { IncompleteError, TERMINATED } from "#src/base/incomplete.js";
import { loadPair } from "#src/evaluate/load-pair.js";
import type { OpenExecutor, PrepareHooks } from "#src/evaluate/prepare.js";
import { openExecutor } from "#src/pool/registry.js";
import { assertPredictions, type Expected } from "./check.js";
import { type BenchInput, type BenchPlan, resolveBench } from "./options.js";
import { loadShared, type PoolOf, predictReference, REFERENCE, withPools } from "./pools.js";
import { createStopwatch } from "./stopwatch.js";
import { type Series, summarizeBench } from "./summary.js";

export interface BenchHooks extends Pick<PrepareHooks, "signal" | "onDownload"> {
  /** Called once data and network are loaded, before the first pass. */
  onStart?(plan: BenchPlan, images: number): void;
  /** Called after each pass; `round` is negative while warming up. */
  onPass?(configuration: Configuration, round: number): void;
}

/** `failure` is the interruption, where there was one; the benchmark is then of what was done. */
export interface BenchOutcome {
  readonly benchmark: Benchmark;
  readonly failure: RunError | undefined;
}

/**
 * Times a sweep of configurations over one data set and network.
 *
 * @throws UsageError, FileError, DatasetError, NetworkError, TransferError as `evaluate`; UsageError ERR_MEMORY
 * @throws RunError ERR_BENCH_MISMATCH where a pass predicted something else than the reference
 * @throws IncompleteError where a batch failed
 */
export function bench(input: BenchInput = {}, hooks: BenchHooks = {}): Promise<BenchOutcome> {
  return benchWith(openExecutor, input, hooks);
}

/** `bench` over executors of the caller's choice. */
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
  return { benchmark: summarizeBench({ plan, pair, series, complete, checkedAgainst: REFERENCE }), failure };
}

/** Interleaved: whatever slows the machine down for a while slows all configurations alike. */
async function runRounds(
  plan: BenchPlan,
  series: readonly Series[],
  poolOf: PoolOf,
  expected: Expected,
  { signal, onPass }: BenchHooks & { readonly signal: AbortSignal },
): Promise<void> {
  const isUnfinished = (one: Series) => !isDone(one, plan);
  // LoadGen's single-stream: a query of one image, the next as soon as it is answered.
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
