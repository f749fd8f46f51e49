/** What a worker does with a task: the forward pass of each batch, argmax, the count of what is right. */
import type { Engine } from "#src/base/contracts/engine.js";
import type { BatchAnswer, Task } from "#src/base/contracts/executor.js";
import { viewSlab } from "#src/base/slab.js";
import { NanLogitError, predictClass } from "#src/engines/argmax.js";
import { batchesToDo } from "./claims.js";

export type TaskRunner = (task: Task) => Promise<readonly BatchAnswer[]>;

/**
 * The runner writes predictions into the task's slab, and probabilities where it has room for them, each batch in its own
 * range, and answers integers.
 */
export function createTaskRunner(engine: Engine, outputs: number): TaskRunner {
  const predict: Predict = engine.predict ?? predictByLogits(engine, outputs);
  return async (task) => {
    const { buffer, layout } = task;
    const slab = viewSlab(buffer, layout);
    const { pixels, labels, predictions, probabilities, inputs } = slab;
    const score =
      probabilities && (await import("./score-batch.js")).batchScorer(engine, outputs, slab, probabilities);
    const answers: BatchAnswer[] = [];
    for (const { id, start, count } of batchesToDo(task)) {
      const startedAt = performance.now();
      const predicted = predictions.subarray(start, start + count);
      let recomputed = 0;
      let scores: BatchAnswer["scores"] = null;
      let nanImage: number | undefined;
      try {
        if (score === undefined) {
          const images = pixels.subarray(start * inputs, (start + count) * inputs);
          recomputed = await predict(images, count, predicted);
        } else {
          scores = await score(start, count);
        }
      } catch (error) {
        if (!(error instanceof NanLogitError)) throw error;
        nanImage = layout.firstImage + start + error.image;
      }
      let correct = 0;
      for (let n = 0; n < count; n++) if (predicted[n] === labels[start + n]) correct++;
      const answer: BatchAnswer = {
        id,
        correct,
        recomputed,
        startedAtMs: performance.timeOrigin + startedAt,
        elapsedMs: performance.now() - startedAt,
        scores,
      };
      answers.push(nanImage === undefined ? answer : { ...answer, nanImage });
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
    for (let n = 0; n < count; n++) predictions[n] = predictClass(logits, n, n * outputs, outputs);
    return 0;
  };
}
