/** Keeps the books on a pool's worker threads: how many were started, which are ready, and whether one cannot load. */
import type { Worker } from "node:worker_threads";
import type { Piscina } from "piscina";
import { reasonOf } from "../errors.js";

export interface WorkerWatch {
  readonly started: number;
  readonly readyCount: number;
  /** From the watch's beginning to the first worker ready. */
  readonly firstReadyMs: number;
  isReady(threadId: number): boolean;
  isRetired(threadId: number): boolean;
  /** Takes note of threads that the pool has started since the last look. */
  lookForNew(): void;
  /** Ends a worker that is not to be trusted; resolves when it is gone, so that the pool may start another. */
  retire(threadId: number): Promise<void>;
  close(): void;
}

export interface WorkerEvents {
  onReady(readyCount: number): void;
  onGone(threadId: number): void;
  /** A worker ended before it was ready. */
  onLoadFailure(reason: string): void;
}

export function watchWorkers(pool: Piscina, events: WorkerEvents): WorkerWatch {
  const beganAt = performance.now();
  const seen = new WeakSet<Worker>();
  const retired = new Set<number>();
  const ready = new Map<number, Worker>();
  let started = 0;
  let firstReadyMs = 0;
  let closing = false;

  // A worker that dies between two tasks is replaced with the next one; nothing is lost, so nothing is said.
  pool.on("error", () => {});
  pool.on("workerCreate", ({ id }: { id: number }) => {
    const worker = pool.threads.find(({ threadId }) => threadId === id);
    if (worker === undefined) return;
    ready.set(id, worker);
    if (firstReadyMs === 0) firstReadyMs = performance.now() - beganAt;
    events.onReady(ready.size);
  });

  function look(worker: Worker): void {
    const { threadId } = worker;
    seen.add(worker);
    started++;
    let reason: string | undefined;
    worker.once("error", (error) => {
      reason = reasonOf(error);
    });
    worker.once("exit", (exitCode) => {
      if (!ready.delete(threadId) && !closing && !retired.has(threadId)) {
        events.onLoadFailure(reason ?? `it ended with code ${exitCode} while loading`);
      }
      events.onGone(threadId);
    });
  }

  return {
    get started() {
      return started;
    },
    get readyCount() {
      return ready.size;
    },
    get firstReadyMs() {
      return firstReadyMs;
    },
    isReady: (threadId) => ready.has(threadId),
    isRetired: (threadId) => retired.has(threadId),
    lookForNew() {
      for (const worker of pool.threads) if (!seen.has(worker)) look(worker);
    },
    async retire(threadId) {
      const worker = ready.get(threadId);
      if (worker === undefined) return;
      ready.delete(threadId);
      retired.add(threadId);
      await worker.terminate();
    },
    close() {
      closing = true;
    },
  };
}
