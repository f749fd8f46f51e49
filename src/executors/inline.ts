/** The executor of `--threads 0`: the coordinator's own thread. A batch cannot be cut short here, so no deadline holds. */
import { setImmediate } from "node:timers/promises";
import type { Engine } from "../contracts/engine.js";
import type { Executor } from "../contracts/executor.js";
import { RunError, reasonOf } from "../errors.js";
import { createTaskRunner } from "./task-runner.js";

const COORDINATOR = 0;

export function createInlineExecutor(engine: Engine, outputs: number): Executor {
  const runTask = createTaskRunner(engine, outputs);
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
