/** The queue of a piscina pool, which takes back a task whose worker cannot be started. */
import type { TaskQueue } from "piscina";

type QueuedTask = Parameters<TaskQueue["push"]>[0];

/**
 * Queue of piscina's tasks. piscina queues a task, then starts a worker for it, and throws if that fails: the task stays in a
 * queue, and its promise, which nobody has, ends the process when the pool is closed.
 */
export interface StartingQueue extends TaskQueue {
  /** Runs a task for which a worker is started. Takes the task back if that fails. */
  runStarting<T>(run: () => T): T;
}

export function createTaskQueue(): StartingQueue {
  const tasks: QueuedTask[] = [];
  let isStarting = false;
  return {
    /** A queue that is not empty gets the next task; otherwise that goes to an internal one, where it is out of reach. */
    get size() {
      return tasks.length + (isStarting ? 1 : 0);
    },
    push: (task: QueuedTask) => void tasks.push(task),
    shift: () => tasks.shift() ?? null,
    remove(task: QueuedTask) {
      const index = tasks.indexOf(task);
      if (index !== -1) tasks.splice(index, 1);
    },
    runStarting<T>(run: () => T): T {
      const before = tasks.length;
      isStarting = true;
      try {
        return run();
      } catch (error) {
        tasks.length = before;
        throw error;
      } finally {
        isStarting = false;
      }
    },
  };
}
