/** Options of a benchmark: turns comma lists into a checked sweep of configurations. */

import type { Configuration } from "#src/base/contracts/bench.js";
import { ENGINES } from "#src/base/contracts/engine.js";
import type { Scenario } from "#src/base/contracts/run.js";
import { UsageError } from "#src/base/errors.js";
import type { NumberLike } from "#src/base/options/define.js";
import { MAX_PASSES, RUN_OPTIONS } from "#src/base/options/run.js";
import { rowsOf } from "#src/base/options/table.js";
import { checkedValue, oneOf } from "#src/base/options/values.js";
import { type EvaluateInput, type EvaluateOptions, resolveOptions } from "#src/evaluate/options.js";

const ROWS = rowsOf("bench");
/** Most configurations of a sweep: more are probably a typing error. */
const MAX_CONFIGURATIONS = 1000;

type EvaluateData = Omit<EvaluateInput, "engine" | "threads" | "batchSize" | "retries" | "warm">;

/** Data and network as for `evaluate`; engines, threads and batch sizes as comma lists. */
export interface BenchInput extends EvaluateData {
  /** Default `ml-matrix,simd`. */
  readonly engine?: string | undefined;
  /** Default: 1, 2, 4 and so on, up to the number of threads that the machine runs at once. */
  readonly threads?: string | undefined;
  /** Default 100. */
  readonly batchSize?: string | undefined;
  /** Default `offline`. */
  readonly scenario?: Scenario | undefined;
  /** Least number of timed passes per configuration. Default 5. */
  readonly repeat?: NumberLike | undefined;
  /** Number of passes per configuration before the timed ones. Default 2. */
  readonly warmUp?: NumberLike | undefined;
  /** Least total time of a configuration's timed passes, in seconds, with at most 10,000 passes. Default 0. */
  readonly durationSeconds?: NumberLike | undefined;
}

export interface BenchPlan {
  /** Options that all configurations share. */
  readonly options: EvaluateOptions;
  readonly scenario: Scenario;
  /** Ordered by engine, then by batch size, then by ascending threads. */
  readonly configurations: readonly Configuration[];
  readonly repeat: number;
  readonly warmUp: number;
  readonly durationSeconds: number;
  /** Most timed passes per configuration. */
  readonly maxPasses: number;
}

/** @throws UsageError as `resolveOptions` */
export function resolveBench(input: BenchInput, available: number): BenchPlan {
  const { engine = ROWS.engine.default } = input;
  const scenario = checkedValue(ROWS.scenario, input.scenario ?? ROWS.scenario.default);
  const alone = scenario === "single-stream";
  const engines = list("--engine", engine, (word) => oneOf("engine", ENGINES, word));
  const threads = alone
    ? list("--threads", input.threads ?? "1", (word) => lone("--threads", word, [0, 1]))
    : list("--threads", input.threads ?? scaling(available).join(), (word) =>
        checkedValue(RUN_OPTIONS.threads, word),
      );
  const batchSizes = alone
    ? list("--batch-size", input.batchSize ?? "1", (word) => lone("--batch-size", word, [1]))
    : list("--batch-size", input.batchSize ?? String(ROWS.batchSize.default), (word) =>
        checkedValue(RUN_OPTIONS.batchSize, word),
      );
  const count = engines.length * threads.length * batchSizes.length;
  if (count > MAX_CONFIGURATIONS) {
    const problem = `expected at most ${MAX_CONFIGURATIONS} configurations, found ${count}; ask for fewer engines, threads or batch sizes`;
    throw new UsageError("ERR_USAGE", { problem });
  }
  const ascending = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);
  return {
    // No retries: a retried batch would count as a slow one. A fault ends the benchmark.
    options: resolveOptions(
      { ...input, engine: engines[0], threads: threads[0], batchSize: batchSizes[0], retries: 0 },
      available,
    ),
    scenario,
    configurations: engines.flatMap((engine) =>
      ascending(batchSizes).flatMap((batchSize) =>
        ascending(threads).map((threads) => ({ engine, batchSize, threads })),
      ),
    ),
    repeat: checkedValue(ROWS.repeat, input.repeat ?? ROWS.repeat.default),
    warmUp: checkedValue(ROWS.warmUp, input.warmUp ?? ROWS.warmUp.default),
    durationSeconds: checkedValue(
      ROWS.durationSeconds,
      input.durationSeconds ?? ROWS.durationSeconds.default,
    ),
    maxPasses: MAX_PASSES,
  };
}

/** Default numbers of threads: 1, 2, 4, … and `available`. */
function scaling(available: number): number[] {
  const threads: number[] = [];
  for (let n = 1; n < available; n *= 2) threads.push(n);
  return [...threads, available];
}

/** Checked words of a comma list. A repeated word is an error. */
function list<Value>(option: string, given: string, check: (word: string) => Value): Value[] {
  const values = given.split(",").map(check);
  if (new Set(values).size === values.length) return values;
  throw new UsageError("ERR_OPTION_VALUE", { option, expected: "each value once", found: given });
}

function lone(option: string, word: string, allowed: readonly number[]): number {
  const value = allowed.find((number) => String(number) === word);
  if (value !== undefined) return value;
  throw new UsageError("ERR_OPTION_VALUE", {
    option,
    expected: `${allowed.join(" or ")} in the single-stream scenario, where one image is under way at a time`,
    found: word,
  });
}
