/** The entry of a worker thread: it makes its engines once, from weights in shared memory, and then runs tasks. */
import { workerData } from "node:worker_threads";
import type { WorkerSetup } from "#src/pool/task-runner.js";
import { openTaskRunner } from "#src/pool/task-runner.js";
import { receiveAssets, runsSent, type SentTaskRunner } from "#src/pool/wire.js";

// piscina waits for it before it calls the worker ready. It is exported as a promise, and not awaited here, since the
// bundle of this file is CommonJS.
export default openRunner(workerData as WorkerSetup);

async function openRunner({ sources, channel }: WorkerSetup): Promise<SentTaskRunner> {
  try {
    const late = channel === undefined ? [] : await receiveAssets(channel);
    return runsSent(
      await openTaskRunner(sources.map((one, n) => ({ ...one, assets: one.assets ?? late[n] }))),
    );
  } catch (error) {
    // piscina would take a rejection for a file without a function, and the worker for ready. This ends its thread.
    setImmediate(() => {
      throw error;
    });
    throw error;
  }
}
