/** The real worker, bundled as it is shipped, with the faults that a test requests. */

import { workerData } from "node:worker_threads";
import type { BatchAnswer, BatchSpan, Task } from "#src/base/contracts/executor.js";
import { atLeast } from "#src/base/errors.js";
import { PACKAGE_ROOT } from "#src/base/package.js";
import { viewSlab } from "#src/base/slab.js";
import { batchAt, batchCount } from "#src/pool/plan.js";
import { packAnswers, type SentTaskRunner, unpackAnswers } from "#src/pool/wire.js";
import type { Fault, FaultySetup } from "./faults.js";

const { fault, timesLeft, onlyBatch, everyNth } = workerData as FaultySetup;
/** The bundle is CommonJS: `default` of what it exports. */
const { default: bundle }: { default: { default: Promise<SentTaskRunner> } } = await import(
  new URL("dist/bundle/worker.cjs", PACKAGE_ROOT).href
);
const runTask = await bundle.default;

export default async function faulty(task: Task): Promise<unknown> {
  const isItsTurn = everyNth === undefined || (Atomics.add(everyNth.tasks, 0, 1) + 1) % everyNth.n === 0;
  const isDue = isItsTurn && (onlyBatch === undefined || has(task.batches, onlyBatch));
  const honest = unpackAnswers(await runTask(task));
  // Where other threads had claimed every batch there is nothing to answer wrongly.
  if (!isDue || honest.length === 0 || Atomics.sub(timesLeft, 0, 1) <= 0) return packAnswers(honest);
  const answers = commit(fault, task, honest);
  return answers && packAnswers(answers);
}

function has(span: BatchSpan, id: number): boolean {
  return id >= span.firstId && id < span.firstId + batchCount(span);
}

function commit(
  fault: Fault,
  task: Task,
  answers: readonly BatchAnswer[],
): readonly BatchAnswer[] | undefined {
  const [first] = atLeast(answers, 1);
  switch (fault) {
    case "exit":
      return process.exit(7);
    case "throw":
      throw new Error("out of order");
    case "reject with a non-error":
      throw "just a string";
    case "hang":
      for (;;);
    case "exhaust its heap": {
      const hoard: number[][] = [];
      for (;;) hoard.push(new Array<number>(1000).fill(hoard.length));
    }
    case "answer twice":
      return [...answers, ...answers];
    case "answer too few":
      return answers.slice(1);
    case "answer nothing":
      return undefined;
    case "answer a wrong count":
      return [{ ...first, correct: first.correct + 1 }];
    case "answer another batch":
      return [{ ...first, id: first.id + 1 }];
    case "predict an impossible class": {
      const { start } = batchAt(task.batches, first.id - task.batches.firstId);
      viewSlab(task.buffer, task.layout).predictions[start] = 4711;
      return answers;
    }
  }
}
