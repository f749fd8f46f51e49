/** The rival that a careful afternoon gives: plain ml-matrix in a piscina pool, images in shared memory, a task a batch. */
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { onlySlab, type Subject } from "../subject.js";
import type { Contestant } from "./contestant.js";
import type { PlainTask } from "./plain-pool-worker.js";

const BATCH_SIZE = 100;

export async function openPlainPool(subject: Subject, threads: number): Promise<Contestant> {
  const { layers, images, inputs } = subject;
  const { buffer } = onlySlab(subject);
  const pool = new Piscina<PlainTask, Uint16Array>({
    filename: fileURLToPath(new URL("plain-pool-worker.js", import.meta.url)),
    minThreads: threads,
    maxThreads: threads,
    workerData: layers,
  });
  return {
    name: `plain ml-matrix in a pool of ${threads}`,
    async pass() {
      const predictions = new Uint16Array(images);
      const beganAt = performance.now();
      const tasks: Promise<void>[] = [];
      for (let start = 0; start < images; start += BATCH_SIZE) {
        const count = Math.min(BATCH_SIZE, images - start);
        const task = { buffer, offset: start * inputs, count };
        tasks.push(pool.run(task).then((classes) => predictions.set(classes, start)));
      }
      await Promise.all(tasks);
      return { elapsedMs: performance.now() - beganAt, predictions };
    },
    close: () => pool.destroy(),
  };
}
