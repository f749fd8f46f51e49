/** Watches a pool's worker threads: how many were started, which are ready, and whether one cannot load. */

import type { Worker } from "node:worker_threads";
import type { Piscina } from "piscina";
import { reasonOf } from "#src/base/errors.js";
import { codeOf } from "#src/base/realm.js";

export interface WorkerWatch {
  readonly started: number;
  readonly readyCount: number;
  /** From the watch's beginning to the first worker ready. */
  readonly firstReadyMs: number;
  isReady(threadId: number): boolean;
  isRetired(threadId: number): boolean;
  /** Takes note of threads that the pool has started since the last look. */
  lookForNew(): void;
  /**
   * Ends a worker that is not to be trusted, and hands it no more tasks from now on; `free`, where given, is waited for
   * before. Resolves when it is gone, so that the pool may start another.
   */
  retire(threadId: number, free?: Promise<void>): Promise<void>;
  /** Resolves when every worker started is ready or gone, or the time is over. */
  untilNoneLoads(timeoutMs: number): Promise<void>;
  close(): void;
}

export interface WorkerEvents {
  onReady(readyCount: number): void;
  onGone(threadId: number): void;
  /** A worker ended before it was ready. `code` is that of the system, or empty. */
  onLoadFailure(reason: string, code: string): void;
}

export function watchWorkers(pool: Piscina, events: WorkerEvents): WorkerWatch {
  const beganAt = performance.now();
  const seen = new WeakSet<Worker>();
  const retired = new Set<number>();
  const ready = new Map<number, Worker>();
  /** Starts of workers that are neither ready nor gone. */
  const loading = new Map<number, Load>();
  let started = 0;
  let firstReadyMs = 0;
  let closing = false;

  // A worker that dies between two tasks is replaced with the next one; nothing is lost, so nothing is said.
  pool.on("error", () => {});
  pool.on("workerCreate", ({ id }: { id: number }) => {
    const worker = pool.threads.find(({ threadId }) => threadId === id);
    if (worker === undefined) return;
    ready.set(id, worker);
    endLoad(id);
    if (firstReadyMs === 0) firstReadyMs = performance.now() - beganAt;
    events.onReady(ready.size);
  });

  function look(worker: Worker): void {
    const { threadId } = worker;
    seen.add(worker);
    started++;
    if (!ready.has(threadId)) loading.set(threadId, newLoad());
    let reason: string | undefined;
    let code = "";
    worker.once("error", (error) => {
      reason = reasonOf(error);
      code = codeOf(error);
    });
    worker.once("exit", (exitCode) => {
      if (!ready.delete(threadId) && !closing && !retired.has(threadId)) {
        events.onLoadFailure(reason ?? `it ended with code ${exitCode} while loading`, code);
      }
      endLoad(threadId);
      events.onGone(threadId);
    });
  }

  function endLoad(threadId: number): void {
    loading.get(threadId)?.end();
    loading.delete(threadId);
  }

  function lookForNew(): void {
    for (const worker of pool.threads) if (!seen.has(worker)) look(worker);
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
    lookForNew,
    async retire(threadId, free) {
      const worker = ready.get(threadId);
      if (worker === undefined) return;
      ready.delete(threadId);
      retired.add(threadId);
      if (free !== undefined) await free;
      await worker.terminate();
    },
    async untilNoneLoads(timeoutMs) {
      lookForNew();
      // The timer also holds the process, which no worker in its start does.
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([timeout, Promise.all([...loading.values()].map(({ ended }) => ended))]);
      clearTimeout(timer);
    },
    close() {
      closing = true;
    },
  };
}

/** A worker's start, until it is ready or gone. */
interface Load {
  readonly ended: Promise<void>;
  end(): void;
}

function newLoad(): Load {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { ended, end };
}

/** Numbers for threads as users see them: 1 to N; a replacement takes over the number of the worker that died. */

export interface ThreadSlots {
  /** The number of a live worker, given at its first call. */
  slotOf(threadId: number): number;
  release(threadId: number): void;
}

export function createThreadSlots(): ThreadSlots {
  const threadIds: (number | undefined)[] = [];
  return {
    slotOf(threadId) {
      let index = threadIds.indexOf(threadId);
      if (index === -1) {
        const free = threadIds.indexOf(undefined);
        index = free === -1 ? threadIds.length : free;
        threadIds[index] = threadId;
      }
      return index + 1;
    },
    release(threadId) {
      const index = threadIds.indexOf(threadId);
      if (index !== -1) threadIds[index] = undefined;
    },
  };
}
