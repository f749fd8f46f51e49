/** What a worker does with a task: the forward pass of each batch, argmax, the count of what is right. */

import type { Engine, EngineName, EngineSource } from "#src/base/contracts/engine.js";
import type { BatchAnswer, Task } from "#src/base/contracts/executor.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { viewSlab } from "#src/base/slab.js";
import { NanLogitError, predictClass } from "#src/engines/logits.js";
import { createEngine, type EngineAssets } from "#src/engines/registry.js";
import { countCorrect } from "#src/metrics/tally.js";
import { outputsOf } from "#src/networks/chain.js";
import { batchesToDo } from "./plan.js";

/** Called after each batch. */
export type Pause = () => Promise<void> | undefined;

export type TaskRunner = (task: Task) => Promise<readonly BatchAnswer[]>;

/**
 * The runner writes predictions into the task's slab, and probabilities where it has room for them, each batch in its own
 * range, and answers integers.
 */
export function createTaskRunner(engine: Engine, outputs: number, pause?: Pause): TaskRunner {
  const predict: Predict = engine.predict ?? predictByLogits(engine, outputs);
  return async (task) => {
    const { buffer, layout } = task;
    const slab = viewSlab(buffer, layout);
    const { pixels, predictions, probabilities, inputs } = slab;
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
      const answer: BatchAnswer = {
        id,
        correct: countCorrect(slab, { start, count }),
        recomputed,
        startedAtMs: performance.timeOrigin + startedAt,
        elapsedMs: performance.now() - startedAt,
        scores,
      };
      answers.push(nanImage === undefined ? answer : { ...answer, nanImage });
      if (pause !== undefined) await pause();
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

/** Parts of one engine. */
export interface EngineSetup {
  readonly engine: EngineName;
  /** Views of shared memory: a worker copies no weights. */
  readonly source: EngineSource;
  /** What the coordinator made for the engine, once for all workers. */
  readonly assets?: EngineAssets;
}

/** By network: why `simd` computes all of it by the reference; undefined where it does not. */
export function fallbacksOf(sources: readonly EngineSetup[]): (string | undefined)[] {
  return sources.map(({ assets }) =>
    assets !== undefined && "module" in assets ? assets.fallback : undefined,
  );
}

export interface WorkerSetup {
  /** The networks that tasks name by their index; at least one. */
  readonly sources: readonly EngineSetup[];
  /** Name of the BroadcastChannel on which the networks' assets come; undefined where `sources` have them. */
  readonly channel?: string | undefined;
}

/** Annotated: its declaration would else import Node's types, which a user's project may not have. */
export const WORKER_URL: URL = new URL("dist/bundle/worker.cjs", PACKAGE_ROOT);

/**
 * A task runner for several networks. The first network's engine is created at once, another when a task first names it.
 *
 * @throws all that `createEngine` throws for the first network; a fault of another fails the task
 */
export async function openTaskRunner(sources: readonly EngineSetup[], pause?: Pause): Promise<TaskRunner> {
  const runners: Promise<TaskRunner>[] = [];
  const runnerOf = (source: number): Promise<TaskRunner> => {
    runners[source] ??= openOne(sources[source]!, pause);
    return runners[source];
  };
  const first = await runnerOf(0);
  return async (task) => (task.source === 0 ? first(task) : (await runnerOf(task.source))(task));
}

async function openOne({ engine, source, assets }: EngineSetup, pause?: Pause): Promise<TaskRunner> {
  return createTaskRunner(await createEngine(engine, source, assets), outputsOf(source), pause);
}
