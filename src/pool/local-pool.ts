/**
 * The executor of this machine: a piscina pool.
 *
 * piscina takes the workers of `minThreads` for ready from their birth and hands them tasks that then wait for their
 * start. With `minThreads: 0` it starts one worker for each queued task, and our balancer hands a task to the first
 * worker that is ready. The same hook tells which thread has a task, and when that task's time began.
 */
import { fileURLToPath } from "node:url";
import { Piscina, queueOptionsSymbol } from "piscina";
import type { Executor, Task, TaskResult } from "#src/base/contracts/executor.js";
import { BatchwiseError, RunError, reasonOf } from "#src/base/errors.js";
import { retiresBetweenTasks } from "#src/engines/registry.js";
import { outputsOf } from "#src/networks/chain.js";
import { createTaskQueue } from "./task-queue.js";
import { fallbacksOf, type WorkerSetup } from "./task-runner.js";
import { type Assets, checkAnswer, sendAssets, unpackAnswers } from "./wire.js";
import { createThreadSlots, watchWorkers } from "./worker-watch.js";

/** A task that no worker has taken by then never will be taken: all workers hang in their start. */
const START_TIMEOUT_MS = 30_000;

/**
 * Workers compute in memory of their own making: what they leave as garbage fits into the smallest young generation, and
 * V8 would let it grow with the length of a run all the same.
 */
const YOUNG_GENERATION_MB = 6;

const EMPTY_TASK: Task = {
  buffer: new SharedArrayBuffer(0),
  layout: { firstImage: 0, count: 0, inputs: 0 },
  source: 0,
  batches: { firstId: 0, start: 0, images: 0, batchSize: 1 },
};

const DEFAULT_RETRIES = 2;

interface RunOptions {
  /** Time limit of the task. */
  readonly limitMs?: number;
  /** Whether a worker is started for the task, if there are fewer than `threads`. Default: if more tasks wait than are ready. */
  readonly isStart?: boolean | undefined;
}

export interface LocalPoolOptions {
  /** Workers at most; at least 1. */
  readonly threads: number;
  /** Tasks that a worker may hold besides the one that it runs. Default: 0. */
  readonly queued?: number | undefined;
  /** Time limit of one task, from the moment a worker begins it. */
  readonly timeoutMs: number;
  /** Workers that may end while they load: each is replaced. Default: 2. */
  readonly retries?: number | undefined;
  readonly setup: WorkerSetup;
  /** What the setup's networks need and it does not have yet: workers start while it is made. */
  readonly assets?: Promise<Assets> | undefined;
  readonly workerUrl: URL;
}

/** What hangs on a task in piscina's queue; structured clone leaves it behind. */
interface Dispatch {
  onDispatched(threadId: number): void;
}

export interface LocalPool extends Executor {
  /** Workers that take tasks. */
  readonly readyCount: number;
}

export function createLocalPool({
  threads,
  queued = 0,
  timeoutMs,
  retries = DEFAULT_RETRIES,
  setup,
  assets,
  workerUrl,
}: LocalPoolOptions): LocalPool {
  const file = fileURLToPath(workerUrl);
  const classes = setup.sources.map(({ source }) => outputsOf(source));
  const isUninterruptible = setup.sources.some(({ engine }) => retiresBetweenTasks(engine));
  /** The end of the task that each thread was handed last. */
  const lastEnds = new Map<number, Promise<void>>();
  /** Threads that failed a task. Tasks that they held behind it are not at fault. */
  const failed = new Set<number>();
  const slots = createThreadSlots();
  const underWay = new Set<AbortController>();
  const sender = assets && sendAssets(assets);
  let { sources } = setup;
  assets?.then(
    (made) => {
      sources = sources.map((one, n) => ({ ...one, assets: made[n] }));
    },
    () => {},
  );
  let failedLoads = 0;
  let loadFailure: RunError | undefined;
  let onAllReady = () => {};
  let warming: Promise<void> | undefined;

  const taskQueue = createTaskQueue();
  /** Tasks that have no answer yet. */
  let unanswered = 0;
  const pool: Piscina = new Piscina({
    filename: file,
    taskQueue,
    minThreads: 0,
    maxThreads: threads,
    concurrentTasksPerWorker: 1 + queued,
    idleTimeout: Number.POSITIVE_INFINITY,
    recordTiming: false,
    workerData: sender === undefined ? setup : { ...setup, channel: sender.name },
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    loadBalancer(task, workers) {
      let worker: (typeof workers)[number] | undefined;
      for (const one of workers) {
        if (!watch.isReady(one.id) || one.currentUsage > queued) continue;
        if (worker === undefined || one.currentUsage < worker.currentUsage) worker = one;
      }
      if (worker === undefined) return null;
      (task[queueOptionsSymbol] as Dispatch).onDispatched(worker.id);
      return worker;
    },
  });
  const watch = watchWorkers(pool, {
    onReady(readyCount) {
      if (readyCount === threads) onAllReady();
    },
    onGone(threadId) {
      slots.release(threadId);
      lastEnds.delete(threadId);
    },
    onLoadFailure(reason, code) {
      failedLoads++;
      if (failedLoads > retries) failAll(reason, code);
      // piscina starts no worker in place of one that ended while it loaded.
      else
        run(EMPTY_TASK, new AbortController().signal, { limitMs: START_TIMEOUT_MS, isStart: true }).catch(
          () => {},
        );
    },
  });

  /** Ends all tasks: piscina itself would leave the queued ones without an answer. */
  function failAll(reason: string, code = ""): void {
    const isFull = code === "EMFILE" || code === "ENFILE";
    failWith(new RunError(isFull ? "ERR_OPEN_FILES" : "ERR_WORKER_LOAD", { path: file, file, reason }));
  }

  function failWith(failure: RunError): void {
    loadFailure ??= failure;
    for (const abort of underWay) abort.abort(loadFailure);
  }

  /** Hands the task to a worker that is ready, or starts one. @throws RunError ERR_WORKER_THREAD if none can be started */
  function handOver(task: object, signal: AbortSignal, isStart = false): Promise<unknown> {
    const isNeeded = isStart || unanswered > watch.readyCount * (1 + queued);
    if (!isNeeded || pool.threads.length >= threads) return pool.run(task, { signal });
    try {
      return taskQueue.runStarting(() => pool.run(task, { signal }));
    } catch (error) {
      throw new RunError("ERR_WORKER_THREAD", { reason: reasonOf(error) }, { cause: error });
    }
  }

  async function run(
    task: Task,
    signal: AbortSignal,
    { limitMs = timeoutMs, isStart }: RunOptions = {},
  ): Promise<TaskResult> {
    signal.throwIfAborted();
    if (loadFailure !== undefined) throw loadFailure;
    const abort = new AbortController();
    const onSignal = () => abort.abort(signal.reason);
    let threadId: number | undefined;
    let hasEnded = false;
    let onEnd = () => {};
    const end = new Promise<void>((resolve) => {
      onEnd = resolve;
    });
    // These timers also hold the process: piscina lets it end, with status 0, while its workers start.
    let deadline = setTimeout(failAll, START_TIMEOUT_MS, `no answer within ${START_TIMEOUT_MS / 1000} s`);
    const dispatch: Dispatch = {
      onDispatched(id) {
        threadId = id;
        const before = lastEnds.get(id);
        lastEnds.set(id, end);
        clearTimeout(deadline);
        if (isUninterruptible) detach();
        else if (before === undefined || queued === 0) startClock();
        else before.then(startClock);
      },
    };
    function startClock(): void {
      if (hasEnded) return;
      const onTimeout = () => abort.abort(new RunError("ERR_BATCH_TIMEOUT", { timeoutMs: limitMs }));
      deadline = setTimeout(onTimeout, limitMs);
    }
    function detach(): void {
      signal.removeEventListener("abort", onSignal);
      underWay.delete(abort);
    }
    signal.addEventListener("abort", onSignal);
    underWay.add(abort);
    unanswered++;
    try {
      const answered = handOver({ ...task, [queueOptionsSymbol]: dispatch }, abort.signal, isStart).finally(
        onEnd,
      );
      watch.lookForNew();
      const answers = unpackAnswers(await answered);
      checkAnswer(task, answers, classes[task.source]!);
      return { answers, thread: slots.slotOf(threadId ?? 0) };
    } catch (error) {
      if (error instanceof RunError && error.code === "ERR_WORKER_THREAD") {
        // piscina does not know this task any more.
        detach();
        failWith(error);
        throw error;
      }
      if (abort.signal.aborted) {
        if (threadId !== undefined) await watch.retire(threadId);
        throw abort.signal.reason;
      }
      // A worker may have its next task before we have seen its answer. Where that answer was nonsense, or there was none,
      // the worker ends under the next task, which is not at fault.
      if (threadId !== undefined) {
        if (watch.isRetired(threadId) || failed.has(threadId)) return await run(task, signal, { limitMs });
        failed.add(threadId);
      }
      // Whatever went wrong, this worker's state is unknown: a fresh one does the next attempt.
      const free = threadId !== undefined && isUninterruptible ? nextEnd(threadId, end) : undefined;
      if (threadId !== undefined) await watch.retire(threadId, free);
      if (error instanceof BatchwiseError) throw error;
      throw new RunError("ERR_WORKER_CRASHED", { reason: reasonOf(error) }, { cause: error });
    } finally {
      hasEnded = true;
      unanswered--;
      clearTimeout(deadline);
      detach();
    }
  }

  /** The end of the task that piscina has given the thread behind the one that ends now, if it has. */
  function nextEnd(threadId: number, end: Promise<void>): Promise<void> | undefined {
    const last = lastEnds.get(threadId);
    return last === end ? undefined : last;
  }

  async function startAll(): Promise<void> {
    const allReady = new Promise<void>((resolve) => {
      onAllReady = resolve;
    });
    // The deadline of a batch is not for these: a short one must not end workers that have done nothing yet.
    const start = () => run(EMPTY_TASK, new AbortController().signal, { limitMs: START_TIMEOUT_MS });
    await Promise.all(Array.from({ length: threads }, start));
    await allReady;
  }

  return {
    threads,
    capacity: threads * (1 + queued),
    get fallbacks() {
      return fallbacksOf(sources);
    },
    get readyCount() {
      return watch.readyCount;
    },
    get workersStarted() {
      return watch.started;
    },
    get startMs() {
      return watch.firstReadyMs;
    },
    warm() {
      warming ??= startAll();
      return warming;
    },
    run: (task, signal) => run(task, signal),
    async close() {
      if (isUninterruptible) await watch.untilNoneLoads(START_TIMEOUT_MS);
      watch.close();
      sender?.close();
      await pool.destroy();
    },
  };
}
