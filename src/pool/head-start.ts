/** A pool of which nobody waits for the start: until its first worker is ready, the coordinator's own thread computes. */
import type { Executor } from "#src/base/contracts/executor.js";
import type { LocalPool } from "./local-pool.js";

/** Never more threads than the pool's capacity compute: so many tasks are under way at most, wherever they are. */
export function withHeadStart(pool: LocalPool, inline: Executor): Executor {
  let isComputing = false;
  return {
    capacity: pool.capacity,
    fallbacks: pool.fallbacks,
    get workersStarted() {
      return pool.workersStarted;
    },
    get startMs() {
      return pool.startMs;
    },
    warm: pool.warm,
    async run(task, signal) {
      if (isComputing || pool.readyCount > 0) return pool.run(task, signal);
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
