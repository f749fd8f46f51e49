/** What a worker does with a task: the forward pass of each batch, argmax, the count of what is right. */
import type { Engine } from "../contracts/engine.js";
import type { BatchAnswer, Task } from "../contracts/executor.js";
import { argmax } from "../metrics/argmax.js";
import { viewSlab } from "../slabs/slab.js";

export type TaskRunner = (task: Task) => Promise<readonly BatchAnswer[]>;

/** The runner writes predictions into the task's slab, each batch in its own range, and answers integers. */
export function createTaskRunner(engine: Engine, outputs: number): TaskRunner {
  const predict: Predict = engine.predict ?? predictByLogits(engine, outputs);
  return async ({ buffer, layout, batches }) => {
    const { pixels, labels, predictions, inputs } = viewSlab(buffer, layout);
    const answers: BatchAnswer[] = [];
    for (const { id, start, count } of batches) {
      const startedAt = performance.now();
      const predicted = predictions.subarray(start, start + count);
      const recomputed = await predict(
        pixels.subarray(start * inputs, (start + count) * inputs),
        count,
        predicted,
      );
      let correct = 0;
      for (let n = 0; n < count; n++) if (predicted[n] === labels[start + n]) correct++;
      answers.push({ id, correct, recomputed, elapsedMs: performance.now() - startedAt });
    }
    return answers;
  };
}

type Predict =
  | NonNullable<Engine["predict"]>
  | ((...args: Parameters<NonNullable<Engine["predict"]>>) => Promise<number>);

/** By the argmax of the logits, for engines that give nothing but these. */
function predictByLogits(engine: Engine, outputs: number): Predict {
  let logits = new Float64Array(0);
  return async (pixels, count, predictions) => {
    if (logits.length < count * outputs) logits = new Float64Array(count * outputs);
    await engine.forward(pixels, count, logits);
    for (let n = 0; n < count; n++) predictions[n] = argmax(logits, n * outputs, outputs);
    return 0;
  };
}
