/**
 * The executor of this machine: a piscina pool.
 *
 * piscina takes the workers of `minThreads` for ready from their birth and hands them tasks that then wait for their
 * start. With `minThreads: 0` it starts one worker for each queued task, and our balancer hands a task to the first
 * worker that is ready. The same hook tells which thread has a task, and when that task's time began.
 */
import { fileURLToPath } from "node:url";
import { Piscina, queueOptionsSymbol } from "piscina";
import type { Executor, Task, TaskResult } from "../contracts/executor.js";
import { BatchwiseError, RunError, reasonOf } from "../errors.js";
import { checkAnswer } from "./check-answer.js";
import { createThreadSlots } from "./thread-slots.js";
import type { WorkerSetup } from "./worker-setup.js";
import { watchWorkers } from "./worker-watch.js";

/** A task that no worker has taken by then never will be: they all hang in their start. */
const START_TIMEOUT_MS = 30_000;

const EMPTY_TASK: Task = {
  buffer: new SharedArrayBuffer(0),
  layout: { firstImage: 0, count: 0, inputs: 0 },
  batches: [],
};

export interface LocalPoolOptions {
  /** Workers at most; at least 1. */
  readonly threads: number;
  /** Of one task, from the moment a worker has it. */
  readonly timeoutMs: number;
  readonly setup: WorkerSetup;
  readonly workerUrl: URL;
}

/** What hangs on a task in piscina's queue; structured clone leaves it behind. */
interface Dispatch {
  onDispatched(threadId: number): void;
}

export function createLocalPool({ threads, timeoutMs, setup, workerUrl }: LocalPoolOptions): Executor {
  const file = fileURLToPath(workerUrl);
  const classes = setup.layers[setup.layers.length - 1].outputs;
  const slots = createThreadSlots();
  const underWay = new Set<AbortController>();
  let loadFailure: RunError | undefined;
  let onAllReady = () => {};

  const pool: Piscina = new Piscina({
    filename: file,
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    workerData: setup,
    loadBalancer(task, workers) {
      const worker = workers.find(({ id, currentUsage }) => currentUsage === 0 && watch.isReady(id));
      if (worker === undefined) return null;
      (task[queueOptionsSymbol] as Dispatch).onDispatched(worker.id);
      return worker;
    },
  });
  const watch = watchWorkers(pool, {
    onReady(readyCount) {
      if (readyCount === threads) onAllReady();
    },
    onGone: slots.release,
    onLoadFailure: failAll,
  });

  /** Ends all tasks: piscina itself would leave the queued ones without an answer. */
  function failAll(reason: string): void {
    loadFailure ??= new RunError("ERR_WORKER_LOAD", { file, reason });
    for (const abort of underWay) abort.abort(loadFailure);
  }

  async function run(task: Task, signal: AbortSignal): Promise<TaskResult> {
    signal.throwIfAborted();
    if (loadFailure !== undefined) throw loadFailure;
    const abort = new AbortController();
    const onSignal = () => abort.abort(signal.reason);
    let threadId: number | undefined;
    // These timers also hold the process: piscina lets it end, with status 0, while its workers start.
    let deadline = setTimeout(failAll, START_TIMEOUT_MS, `no answer within ${START_TIMEOUT_MS / 1000} s`);
    const dispatch: Dispatch = {
      onDispatched(id) {
        threadId = id;
        clearTimeout(deadline);
        deadline = setTimeout(() => abort.abort(new RunError("ERR_BATCH_TIMEOUT", { timeoutMs })), timeoutMs);
      },
    };
    signal.addEventListener("abort", onSignal);
    underWay.add(abort);
    try {
      const answered = pool.run({ ...task, [queueOptionsSymbol]: dispatch }, { signal: abort.signal });
      watch.lookForNew();
      const answers = checkAnswer(task, await answered, classes);
      return { answers, thread: slots.slotOf(threadId ?? 0) };
    } catch (error) {
      if (abort.signal.aborted) {
        if (threadId !== undefined) await watch.retire(threadId);
        throw abort.signal.reason;
      }
      // piscina gives a worker its next task before we have seen its answer. Where that answer was nonsense the worker
      // is retired under the next task, which is not at fault.
      if (threadId !== undefined && watch.isRetired(threadId)) return await run(task, signal);
      // Whatever went wrong, this worker's state is unknown: a fresh one does the next attempt.
      if (threadId !== undefined) await watch.retire(threadId);
      if (error instanceof BatchwiseError) throw error;
      throw new RunError("ERR_WORKER_CRASHED", { reason: reasonOf(error) }, { cause: error });
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener("abort", onSignal);
      underWay.delete(abort);
    }
  }

  return {
    capacity: threads,
    get workersStarted() {
      return watch.started;
    },
    get startMs() {
      return watch.firstReadyMs;
    },
    async warm() {
      const allReady = new Promise<void>((resolve) => {
        onAllReady = resolve;
      });
      const idle = new AbortController();
      await Promise.all(Array.from({ length: threads }, () => run(EMPTY_TASK, idle.signal)));
      await allReady;
    },
    run,
    async close() {
      watch.close();
      await pool.destroy();
    },
  };
}
