/** Our own way from slabs to classes, over workers that stay warm. */
import type { EngineName, FoldedLayers } from "../../src/base/contracts/engine.js";
import { SILENT } from "../../src/base/contracts/run.js";
import { type Slab, streamOf } from "../../src/base/slab.js";
import { openEvaluator } from "../../src/evaluate/evaluator.js";
import { createTally } from "../../src/metrics/tally.js";
import { type TaskPlan, taskPlanFor } from "../../src/pool/plan.js";
import { openExecutor } from "../../src/pool/registry.js";
import { runBatches } from "../../src/pool/run-batches.js";
import type { Subject } from "../subject.js";
import type { Contestant } from "./contestant.js";

const BATCH_SIZE = 100;
const TIMEOUT_MS = 30_000;

export interface PoolOptions {
  readonly engine: EngineName;
  readonly threads: number;
  readonly taskPlan?: TaskPlan;
}

export interface WarmPool {
  /** Milliseconds from the first batch dispatched to the last merged. */
  run(slabs: AsyncIterable<Slab>, images: number, onMerged: OnMerged): Promise<number>;
  close(): Promise<void>;
}

type OnMerged = (slab: Slab, start: number, count: number) => void;

/** The coordinator over slabs and task sizes of the benchmark's choice, as an evaluator has them of its own. */
export async function openWarmPool(layers: FoldedLayers, options: PoolOptions): Promise<WarmPool> {
  const { engine, threads, taskPlan = taskPlanFor(engine, { threads }) } = options;
  const executor = await openExecutor({ engine, threads, timeoutMs: TIMEOUT_MS, warm: true }, layers, {
    images: Number.POSITIVE_INFINITY,
    tasks: threads,
  });
  await executor.warm();
  return {
    async run(slabs, images, onMerged) {
      const tally = createTally(layers[layers.length - 1]!.outputs);
      const { evaluateMs, failure } = await runBatches({
        slabs: streamOf(slabs),
        executor,
        batchSize: BATCH_SIZE,
        totalBatches: Math.ceil(images / BATCH_SIZE),
        taskPlan,
        retries: 0,
        networkOf: () => "random",
        tallyOf: () => tally,
        signal: new AbortController().signal,
        log: SILENT,
        onMerged: ({ slab, batch }) => onMerged(slab, batch.start, batch.count),
      });
      if (failure !== undefined) throw failure;
      return evaluateMs;
    },
    close: () => executor.close(),
  };
}

/** What a program sees that keeps an evaluator open: all images again and again, over the same workers and slabs. */
export async function openOurs(
  { dataset, network }: Subject,
  { engine, threads }: Pick<PoolOptions, "engine" | "threads">,
): Promise<Contestant> {
  const evaluator = await openEvaluator({ dataset, weights: network, engine, threads });
  return {
    name: `${engine}, ${threadsText(threads)}`,
    async pass() {
      const { timing, predictions } = await evaluator.run();
      return { elapsedMs: timing.evaluateMs, predictions };
    },
    close: () => evaluator.close(),
  };
}

export async function* repeated(slabs: readonly Slab[], times = 1): AsyncGenerator<Slab> {
  for (let time = 0; time < times; time++) yield* slabs;
}

export function threadsText(threads: number): string {
  if (threads === 0) return "inline";
  return `${threads} ${threads === 1 ? "thread" : "threads"}`;
}
