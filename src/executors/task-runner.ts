/** What a worker does with a task: the forward pass of each batch, argmax, the count of what is right. */
import type { Engine } from "../contracts/engine.js";
import type { BatchAnswer, Task } from "../contracts/executor.js";
import { argmax } from "../metrics/argmax.js";
import { viewSlab } from "../slabs/slab.js";

export type TaskRunner = (task: Task) => Promise<readonly BatchAnswer[]>;

/** The runner writes predictions into the task's slab, each batch in its own range, and answers integers. */
export function createTaskRunner(engine: Engine, outputs: number): TaskRunner {
  let logits = new Float64Array(0);
  return async ({ buffer, layout, batches }) => {
    const { pixels, labels, predictions, inputs } = viewSlab(buffer, layout);
    const answers: BatchAnswer[] = [];
    for (const { id, start, count } of batches) {
      const startedAt = performance.now();
      if (logits.length < count * outputs) logits = new Float64Array(count * outputs);
      await engine.forward(pixels.subarray(start * inputs, (start + count) * inputs), count, logits);
      let correct = 0;
      for (let n = 0; n < count; n++) {
        const prediction = argmax(logits, n * outputs, outputs);
        predictions[start + n] = prediction;
        if (prediction === labels[start + n]) correct++;
      }
      answers.push({ id, correct, elapsedMs: performance.now() - startedAt });
    }
    return answers;
  };
}
