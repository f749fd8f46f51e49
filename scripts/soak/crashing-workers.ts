/** Batches of which every twentieth takes its worker's life, after its images were predicted and before it is answered. */
import type { AnyEvaluation } from "#src/base/contracts/result.js";
import { evaluate, evaluateWith } from "#src/evaluate/evaluate.js";
import { openFaulty } from "../../test/helpers/faulty.js";
import type { Fault } from "../../test/workers/faults.js";
import type { Part } from "./part.js";

const CRASH_EVERY = 20;
/** Batches of one image: a run has as many of them as the bundled set has images. */
const RUN_BATCHES = 10_000;
/** In turns: the thread ends, or its task throws, after which the thread is not trusted. */
const FAULTS: readonly Fault[] = ["exit", "throw"];
/** One batch a task, so that a crash is one batch's. */
const INPUT = { engine: "ml-matrix", batchSize: 1, threads: 2 } as const;

export const crashingWorkers: Part = {
  name: "crashing workers",
  unit: "batches",
  amount: 2 * RUN_BATCHES,
  share: 2,
  async run({ amount, signal, isSabotaged, began, done }) {
    const problems: string[] = [];
    const limit = Math.min(RUN_BATCHES, Math.ceil(amount / FAULTS.length));
    const expected = await evaluate({ ...INPUT, limit, threads: 0 });
    began();
    for (let run = 0; run * limit < amount && !signal.aborted; run++) {
      const fault = FAULTS[run % FAULTS.length]!;
      const found = await evaluateWith(
        openFaulty(fault, { times: limit, every: CRASH_EVERY }),
        { ...INPUT, limit: isSabotaged ? limit - 1 : limit, retries: 5 },
        { signal, onProgress: ({ doneImages }) => done(run * limit + doneImages) },
      ).catch((error: unknown) => {
        if (signal.aborted) return undefined;
        throw error;
      });
      if (found !== undefined) problems.push(...miscounts(fault, found, expected));
    }
    return problems;
  },
};

/** Nothing lost, nothing doubled: the counts of the run without a crash, and each batch once. */
function miscounts(fault: Fault, { result, run }: AnyEvaluation, expected: AnyEvaluation): string[] {
  const problems: string[] = [];
  if (JSON.stringify(result) !== JSON.stringify(expected.result)) {
    problems.push(
      `${fault}: ${result.total} images counted, ${expected.result.total} expected, or otherwise`,
    );
  }
  const merged = run.batchesByThread.reduce((sum, batches) => sum + batches, 0);
  if (run.batches !== expected.run.batches || merged !== run.batches) {
    problems.push(`${fault}: ${merged} batches merged, ${expected.run.batches} expected`);
  }
  // Tasks are as many as batches at least, and a crash is a retry of its one batch.
  const crashes = Math.floor(run.batches / CRASH_EVERY);
  if (run.retries < crashes || run.workersStarted < run.retries) {
    problems.push(
      `${fault}: ${run.retries} retries, ${run.workersStarted} workers, ${crashes} crashes at least`,
    );
  }
  return problems;
}
