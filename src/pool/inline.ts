/** The executor of `--threads 0`: the coordinator's own thread. A batch cannot be cut short here, so no deadline holds. */
import { setImmediate } from "node:timers/promises";
import type { Executor } from "#src/base/contracts/executor.js";
import { BatchwiseError, RunError, reasonOf } from "#src/base/errors.js";
import { outputsOf } from "#src/networks/chain.js";
import type { TaskRunner } from "./task-runner.js";
import { type EngineSetup, fallbacksOf, openTaskRunner } from "./task-runner.js";
import { checkAnswer } from "./wire.js";

const COORDINATOR = 0;
/** Longest time between two turns of the event loop, plus one batch: files are read on, and workers get their tasks. */
const MOST_BUSY_MS = 0.3;

/** @throws all that `createEngine` throws of the first network. */
export async function openInlineExecutor(sources: readonly EngineSetup[]): Promise<Executor> {
  let pausedAt = performance.now();
  const pause = (): Promise<void> | undefined => {
    if (performance.now() - pausedAt < MOST_BUSY_MS) return undefined;
    return setImmediate().then(() => {
      pausedAt = performance.now();
    });
  };
  return createInlineExecutor(await openTaskRunner(sources, pause), sources);
}

export function createInlineExecutor(runTask: TaskRunner, sources: readonly EngineSetup[]): Executor {
  const classes = sources.map(({ source }) => outputsOf(source));
  return {
    fallbacks: fallbacksOf(sources),
    threads: 1,
    capacity: 1,
    workersStarted: 0,
    startMs: 0,
    warm: async () => {},
    async run(task, signal) {
      // Lets signals and the spinner have their turn between tasks.
      await setImmediate();
      signal.throwIfAborted();
      try {
        const answers = await runTask(task);
        checkAnswer(task, answers, classes[task.source]!);
        return { answers, thread: COORDINATOR };
      } catch (error) {
        if (error instanceof BatchwiseError) throw error;
        throw new RunError("ERR_WORKER_CRASHED", { reason: reasonOf(error) }, { cause: error });
      }
    },
    close: async () => {},
  };
}
