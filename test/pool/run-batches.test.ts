import test from "ava";
import { evaluateWith, type OpenExecutor } from "#src/evaluate/evaluate.js";
import { openExecutor } from "#src/pool/registry.js";
import { randomDataset, randomNetwork } from "../helpers/random.js";

const INPUT = { dataset: randomDataset(250), weights: randomNetwork([64, 10]), threads: 0, batchSize: 100 };

/** As over a network, where a sender that heard nothing sends again. */
const openRepeating: OpenExecutor = async (...args) => {
  const executor = await openExecutor(...args);
  return {
    ...executor,
    async run(task, signal) {
      const { answers, thread } = await executor.run(task, signal);
      const told = answers.map((answer) => ({ ...answer, recomputed: 2 }));
      return { answers: [...told, ...told], thread };
    },
  };
};

test("counts a batch once whose answer comes twice", async (t) => {
  let doneImages = 0;
  const onProgress = (progress: { readonly doneImages: number }) => {
    doneImages = progress.doneImages;
  };
  const once = await evaluateWith(openExecutor, INPUT);
  const twice = await evaluateWith(openRepeating, INPUT, { onProgress });
  t.deepEqual(twice.result, once.result);
  t.is(twice.run.batches, 3);
  t.deepEqual(twice.run.batchesByThread, once.run.batchesByThread);
  t.is(twice.run.recomputed, 3 * 2);
  t.is(doneImages, 250);
});
