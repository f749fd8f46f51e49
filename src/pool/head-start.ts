/** A pool whose coordinator computes too: at most its workers and one thread more are busy. */
import type { Executor } from "#src/base/contracts/executor.js";
import type { LocalPool } from "./local-pool.js";

/** A task goes to the coordinator while that is free, and to a worker otherwise. */
export function withCoordinator(pool: LocalPool, inline: Executor): Executor {
  let isComputing = false;
  return {
    threads: pool.threads + 1,
    capacity: pool.capacity + 1,
    get fallbacks() {
      return pool.fallbacks;
    },
    get workersStarted() {
      return pool.workersStarted;
    },
    get startMs() {
      return pool.startMs;
    },
    warm: pool.warm,
    async run(task, signal) {
      if (isComputing) return pool.run(task, signal);
      isComputing = true;
      try {
        return await inline.run(task, signal);
      } finally {
        isComputing = false;
      }
    },
    close: pool.close,
  };
}
