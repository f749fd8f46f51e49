/** How a run ran whose shards ran apart: their work is summed, their times are those of shards side by side. */
import type { RunFacts, Timing } from "#src/base/contracts/run.js";
import type { ResultFile } from "#src/evaluate/schemas/result.js";

/** Each shard has its own coordinator: what these computed is one sum, and the workers stand behind each other. */
export function mergedRun(answers: readonly ResultFile[]): RunFacts {
  const runs = answers.map(({ run }) => run);
  const sum = (of: (run: RunFacts) => number) => runs.reduce((total, run) => total + of(run), 0);
  return {
    ...runs[0],
    threads: sum(({ threads }) => threads),
    workersStarted: sum(({ workersStarted }) => workersStarted),
    batchesByThread: [
      sum(({ batchesByThread }) => batchesByThread[0] ?? 0),
      ...runs.flatMap(({ batchesByThread }) => batchesByThread.slice(1)),
    ],
    batches: sum(({ batches }) => batches),
    retries: sum(({ retries }) => retries),
    recomputed: sum(({ recomputed }) => recomputed),
  };
}

/** The slowest shard's; images per second are of all images in its time. */
export function mergedTiming(answers: readonly ResultFile[], totalImages: number): Timing {
  const timings = answers.map(({ timing }) => timing);
  const most = (of: (timing: Timing) => number) => Math.max(...timings.map(of));
  const evaluateMs = most((timing) => timing.evaluateMs);
  return {
    totalMs: most(({ totalMs }) => totalMs),
    loadMs: most(({ loadMs }) => loadMs),
    startPoolMs: most(({ startPoolMs }) => startPoolMs),
    evaluateMs,
    imagesPerSecond: evaluateMs === 0 ? 0 : Math.round(totalImages / (evaluateMs / 1000)),
    batchLatencyMs: {
      p50: most(({ batchLatencyMs }) => batchLatencyMs.p50),
      p90: most(({ batchLatencyMs }) => batchLatencyMs.p90),
      p99: most(({ batchLatencyMs }) => batchLatencyMs.p99),
    },
  };
}
