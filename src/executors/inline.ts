/** The executor of `--threads 0`: the coordinator's own thread. A batch cannot be cut short here, so no deadline holds. */
import { setImmediate } from "node:timers/promises";
import type { Executor } from "../contracts/executor.js";
import { RunError, reasonOf } from "../errors.js";
import { openTaskRunner } from "./open-runner.js";
import type { TaskRunner } from "./task-runner.js";
import type { EngineSetup } from "./worker-setup.js";

const COORDINATOR = 0;

/** @throws all that `createEngine` throws of the first network. */
export async function openInlineExecutor(sources: readonly EngineSetup[]): Promise<Executor> {
  return createInlineExecutor(await openTaskRunner(sources));
}

export function createInlineExecutor(runTask: TaskRunner): Executor {
  return {
    capacity: 1,
    workersStarted: 0,
    startMs: 0,
    warm: async () => {},
    async run(task, signal) {
      // Lets signals and the spinner have their turn between tasks.
      await setImmediate();
      signal.throwIfAborted();
      try {
        return { answers: await runTask(task), thread: COORDINATOR };
      } catch (error) {
        throw new RunError("ERR_WORKER_CRASHED", { reason: reasonOf(error) }, { cause: error });
      }
    },
    close: async () => {},
  };
}
